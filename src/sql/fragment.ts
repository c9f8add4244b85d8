import sql, { empty, join, raw, type Sql } from 'sql-template-tag';

export { empty, join, type Sql, sql };

/** Thrown while a statement is composed: the operation has to be executed field by field. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

/** Values of a request, in a fixed order, each as the driver takes it. */
export interface ValueSource {
  values(variables: Variables): readonly unknown[];
}

/** The coerced variables of an operation. */
export type Variables = Readonly<Record<string, unknown>>;

/** The place of a value that is known when the statement is sent. */
class Slot {
  readonly source: ValueSource;
  readonly index: number;

  constructor(source: ValueSource, index: number) {
    this.source = source;
    this.index = index;
  }
}

/** Returns a parameter of this type for one of the values of a source. */
export function parameter(source: ValueSource, index: number, type: Sql): Sql {
  return sql`${new Slot(source, index)}::${type}`;
}

export function identifier(name: string): Sql {
  return raw(`"${name.replaceAll('"', '""')}"`);
}

export function textLiteral(text: string): Sql {
  return raw(`'${text.replaceAll("'", "''")}'`);
}

/** A number that Postgres shall plan for. */
export function numberLiteral(value: number): Sql {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no whole number`);
  return raw(String(value));
}

/** Returns the operands as a chain; nested, since the server's parser recurses for each of them. */
export function concatenated(operands: readonly Sql[]): Sql {
  if (operands.length <= MAX_OPERANDS) return join(operands, '||');
  const groups: Sql[] = [];
  for (let n = 0; n < operands.length; n += MAX_OPERANDS) {
    groups.push(sql`(${join(operands.slice(n, n + MAX_OPERANDS), '||')})`);
  }
  return concatenated(groups);
}

const MAX_OPERANDS = 90;

/** A statement of which the values are known when it is sent. */
export interface PreparedText {
  text: string;
  /** Returns the values of its parameters. Throws what the sources throw of the variables. */
  bind(variables: Variables): unknown[];
}

/** Returns the text of a fragment, in which equal values share a parameter. */
export function prepare({ strings, values }: Sql): PreparedText {
  const slots: Slot[] = [];
  const sources: ValueSource[] = [];
  const places: { source: number; index: number }[] = [];
  let text = strings[0] as string;
  for (const [n, value] of values.entries()) {
    if (!(value instanceof Slot)) throw new TypeError('A value that is no parameter');
    let number = slots.findIndex(
      ({ source, index }) => source === value.source && index === value.index,
    );
    if (number === -1) {
      number = slots.push(value) - 1;
      let source = sources.indexOf(value.source);
      if (source === -1) source = sources.push(value.source) - 1;
      places.push({ source, index: value.index });
    }
    text += `$${number + 1}${strings[n + 1]}`;
  }
  return {
    text,
    bind(variables) {
      const given = sources.map((source) => source.values(variables));
      return places.map(({ source, index }) => given[source]?.[index]);
    },
  };
}
