import type { Condition } from '../resolvers/conditions.ts';
import { kindOf, type Measure, measureKey, type Statistic } from '../resolvers/measure.ts';
import { readFilter } from '../resolvers/read-filter.ts';
import type { StatisticKind } from '../resolvers/statistic-kinds.ts';
import { empty, identifier, join, type Sql, sql, textLiteral } from './fragment.ts';
import { Scope } from './scope.ts';

/** What measures are made of, for each row. */
export type RowInput =
  | { kind: 'column'; column: string }
  | { kind: 'filter'; filter: Condition }
  | { kind: 'seconds'; from: string; to: string };

/** Gives the text of what measures are made of. */
export interface InputText {
  of(input: RowInput): Sql;
}

/** Gives the text of a constant, as the driver takes it. */
export interface ConstantText {
  add(value: unknown, type: Sql): Sql;
}

/** Returns the seconds from one moment to another; null if one is infinite. */
export function secondsSql(from: Sql, to: Sql): Sql {
  const span = sql`extract(epoch from ${to}::timestamptz - ${from}::timestamptz)::float8`;
  return sql`case when isfinite(${from}) and isfinite(${to}) then ${span} end`;
}

/** Measures, as g, under the names that conditions on them have for them. */
export class MeasureScope extends Scope {
  readonly #nameOf: (name: string) => Sql;

  constructor(model: string, nameOf: (name: string) => Sql) {
    super(model, sql`g`);
    this.#nameOf = nameOf;
  }

  override column(name: string): Sql {
    return sql`g.${this.#nameOf(name)}`;
  }
}

/**
 * Returns the measures of the rows of a scope, without filters of their own; `repeatable` if they have to
 * be the same whatever the order in which the rows are read, as sums of doubles are not.
 */
export function measuresOver(rows: Scope, repeatable = false): Measures {
  const inputs: InputText = {
    of(input) {
      if (input.kind === 'column') return rows.column(input.column);
      if (input.kind === 'seconds') {
        return secondsSql(rows.column(input.from), rows.column(input.to));
      }
      throw new TypeError('These measures have no filters of their own');
    },
  };
  // The only constants are those of percentiles, which have names.
  const constants: ConstantText = {
    add: (value, type) => sql`${textLiteral(String(value))}::${type}`,
  };
  return new Measures(rows.model, constants, inputs, repeatable);
}

/** Composes the measures of groups, each of them once. */
export class Measures {
  readonly #model: string;
  readonly #values: ConstantText;
  readonly #inputs: InputText;
  readonly #isRepeatable: boolean;
  readonly #known = new Map<string, { name: Sql; text: Sql }>();

  constructor(model: string, values: ConstantText, inputs: InputText, isRepeatable = false) {
    this.#model = model;
    this.#values = values;
    this.#inputs = inputs;
    this.#isRepeatable = isRepeatable;
  }

  /** Returns the name of a measure over the rows that `among` is true of; all, if it is null. */
  of(measure: Measure, among: Sql | null = null): Sql {
    const key = `${among?.sql ?? ''} ${measureKey(measure)}`;
    let found = this.#known.get(key);
    if (!found) {
      found = { name: identifier(`m${this.#known.size}`), text: this.textOf(measure, among) };
      this.#known.set(key, found);
    }
    return found.name;
  }

  /** What a statement has to select for all measures that were asked for. */
  selected(): Sql[] {
    return [...this.#known.values()].map(({ name, text }) => sql`${text} as ${name}`);
  }

  /** Returns a measure as an expression. */
  textOf(measure: Measure, among: Sql | null = null): Sql {
    const inputs = this.#inputs;
    switch (measure.kind) {
      case 'count': {
        const filter = readFilter(this.#model, measure.filter);
        const matching = filter && inputs.of({ kind: 'filter', filter });
        return sql`count(*)${only(matching, among)}`;
      }
      case 'distinct':
        return sql`count(distinct ${this.#column(measure.column)})${only(among)}`;
      case 'statistic': {
        const kind = kindOf(this.#model, measure.column);
        return this.#statistic(kind, this.#column(measure.column), measure.statistic, among);
      }
      case 'between': {
        const seconds = inputs.of({ kind: 'seconds', from: measure.from, to: measure.to });
        return this.#statistic('Float', seconds, measure.statistic, among);
      }
    }
  }

  #column(column: string): Sql {
    return this.#inputs.of({ kind: 'column', column });
  }

  #statistic(kind: StatisticKind, e: Sql, statistic: Statistic, among: Sql | null): Sql {
    if (typeof statistic === 'object') return this.#percentile(kind, e, statistic, among);
    const filter = only(among);
    switch (statistic) {
      case 'share':
        return sql`(count(*)${only(e, among)}::float8 / nullif(count(${e})${filter}, 0))`;
      case 'sum':
        return kind === 'Int' ? sql`sum(${e})${filter}` : this.#added(kind, sql`sum`, e, filter);
      case 'avg':
        return this.#added(kind, sql`avg`, e, filter);
      case 'stddev':
        return this.#added(kind, sql`stddev_samp`, e, filter);
      case 'min':
        return sql`min(${e})${filter}`;
      case 'max':
        return sql`max(${e})${filter}`;
    }
  }

  /** What adds the values up, in the order in which the rows come. */
  #added(kind: StatisticKind, name: Sql, e: Sql, filter: Sql): Sql {
    if (isExact(kind)) return sql`${name}(${e})${filter}`;
    if (!this.#isRepeatable) return sql`${name}(${e}::float8)${filter}`;
    return sql`((${name}(${e}::numeric)${filter})::float8)`;
  }

  #percentile(
    kind: StatisticKind,
    e: Sql,
    { percentile }: { percentile: number },
    among: Sql | null,
  ): Sql {
    if (!isExact(kind)) {
      const at = this.#values.add(String(percentile), sql`float8`);
      return sql`percentile_cont(${at}) within group (order by ${e}::float8)${only(among)}`;
    }
    // percentile_cont knows doubles only. The expressions that are equal here are computed once.
    const at = this.#values.add(String(percentile), sql`numeric`);
    const all = sql`(array_agg(${e}::numeric order by ${e})${only(sql`${e} is not null`, among)})`;
    const place = sql`(${at} * (cardinality(${all}) - 1))`;
    const below = sql`${all}[1 + floor(${place})::int]`;
    const above = sql`${all}[1 + ceil(${place})::int]`;
    return sql`(${below} + (${above} - ${below}) * (${place} - floor(${place})))`;
  }
}

/** Whether statistics of such values have all of their digits. */
function isExact(kind: StatisticKind): boolean {
  return kind === 'BigInt' || kind === 'Decimal';
}

function only(...conditions: readonly (Sql | null)[]): Sql {
  const given = conditions.filter((condition) => condition !== null);
  return given.length > 0 ? sql` filter (where ${join(given, ' and ')})` : empty;
}
