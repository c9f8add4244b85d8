import type { Column } from '../generated/catalog.ts';
import { concatenated, type Sql, sql, textLiteral, Unsupported } from './fragment.ts';

/**
 * Stands in an answer for a value that the API cannot show. No JSON holds it: control characters are
 * escaped there.
 */
export const FAILED = '\u0001';

/** JSON text that a statement writes: known texts and expressions, one after the other. */
export class JsonText {
  readonly #operands: Sql[] = [];
  #known = '';
  #canFail = false;

  /** Adds text that is the same in every row. */
  known(text: string): this {
    this.#known += text;
    return this;
  }

  /** Adds an expression of type text that is never null. */
  expression(expression: Sql): this {
    this.#flush();
    this.#operands.push(expression);
    return this;
  }

  /** Adds an expression of type text that is null for a value that the API cannot show. */
  fallible(expression: Sql): this {
    this.#canFail = true;
    return this.expression(expression);
  }

  /** Returns the text as an expression, which is never null. */
  toSql(): Sql {
    this.#flush();
    const chain = this.#operands.length > 0 ? concatenated(this.#operands) : sql`''`;
    return this.#canFail ? sql`coalesce(${chain}, chr(1))` : sql`(${chain})`;
  }

  #flush(): void {
    if (this.#known) this.#operands.push(textLiteral(this.#known));
    this.#known = '';
  }
}

/** How a label of an enumeration is written: as the API shows it, or as it is stored. */
export type LabelForm = 'shown' | 'stored';

/** Adds the value of a column, as the API shows it. */
export function addColumn(json: JsonText, column: Column, e: Sql, labels: LabelForm = 'shown') {
  const { isRequired } = column;
  if (column.isList) return addList(json, column, e);
  if (column.kind === 'enum') {
    const label = sql`${e}::text collate "C"`;
    return addQuoted(json, isRequired, labels === 'shown' ? sql`upper(${label})` : label);
  }
  switch (column.type) {
    case 'DateTime':
      return addMoment(json, column, e);
    case 'Decimal':
      return addBounded(json, isRequired, e, DECIMALS, sql`'"'||trim_scale(${e})||'"'`);
    case 'Float':
      return addBounded(json, isRequired, e, FLOATS, sql`${e}::text`);
    case 'BigInt':
      return addQuoted(json, isRequired, sql`${e}::text`);
    case 'Int':
    case 'Boolean':
      return addNullable(json, isRequired, sql`${e}::text`);
    case 'Json':
      return addNullable(json, false, sql`${e}::text`);
    default:
      return column.nativeType === 'Uuid'
        ? addQuoted(json, isRequired, sql`${e}::text`)
        : addNullable(json, isRequired, sql`to_json(${e})::text`);
  }
}

/** The range of values that the API shows: others, also NaN, fail the row. */
interface Bounds {
  least: Sql;
  beyond: Sql;
}

const DECIMALS: Bounds = { least: sql`'-Infinity'::numeric`, beyond: sql`'Infinity'::numeric` };
const FLOATS: Bounds = { least: sql`'-Infinity'::float8`, beyond: sql`'Infinity'::float8` };
const MOMENTS: Bounds = {
  least: sql`'0001-12-31T23:59:59.999Z BC'::timestamptz`,
  beyond: sql`'10000-01-01T00:00:00Z'::timestamptz`,
};
const DAYS: Bounds = { least: sql`'0001-12-31 BC'::date`, beyond: sql`'10000-01-01'::date` };

function addMoment(json: JsonText, { nativeType, isRequired }: Column, e: Sql) {
  const [bounds, text] =
    nativeType === 'Date'
      ? [DAYS, sql`'"'||to_char(${e}, 'YYYY-MM-DD')||'"'`]
      : [MOMENTS, sql`'"'||to_char(${e} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')||'"'`];
  return addBounded(json, isRequired, e, bounds, text);
}

function addBounded(json: JsonText, isRequired: boolean, e: Sql, bounds: Bounds, text: Sql) {
  const shown = sql`when ${e} > ${bounds.least} and ${e} < ${bounds.beyond} then ${text}`;
  json.fallible(
    isRequired ? sql`case ${shown} end` : sql`case ${shown} when ${e} is null then 'null' end`,
  );
}

function addQuoted(json: JsonText, isRequired: boolean, text: Sql) {
  if (isRequired) json.known('"').expression(text).known('"');
  else json.expression(sql`coalesce('"'||${text}||'"', 'null')`);
}

function addNullable(json: JsonText, isRequired: boolean, text: Sql) {
  json.expression(isRequired ? text : sql`coalesce(${text}, 'null')`);
}

/** A list that is null is shown as an empty one; one with a null in it cannot be shown. */
function addList(json: JsonText, { type, kind }: Column, e: Sql) {
  if (kind === 'enum' || type !== 'String') throw new Unsupported(`lists of ${type}`);
  json.fallible(
    sql`case when array_position(${e}, null) is null then coalesce(to_json(${e})::text, '[]') end`,
  );
}
