import { GatewayError } from '../context/errors.ts';
import type { Column } from '../generated/catalog.ts';
import { type Measure, measureColumn, measureKey } from '../resolvers/measure.ts';
import { refusal } from '../resolvers/refusal.ts';
import type { Row } from '../resolvers/rows.ts';
import { FAILED } from '../sql/json.ts';
import { keyCell, measureCell } from './cells.ts';
import type { Aggregate } from './description.ts';
import { keyColumn } from './keys.ts';

/** A group of rows. Its values are those that GraphQL's types take. */
export class Group {
  readonly #aggregate: Aggregate;
  readonly #row: Row;
  /** How many of the keys, from the first, all of its rows have in common. */
  readonly keyCount: number;

  constructor(aggregate: Aggregate, row: Row) {
    this.#aggregate = aggregate;
    this.#row = row;
    this.keyCount = keyCountOf(aggregate, Number(row.rolled));
  }

  /** Whether it is the sum of other groups. */
  get isTotal(): boolean {
    return this.keyCount < this.#aggregate.keys.length;
  }

  /**
   * Returns the value of a key, null for rows without one and for totals. Throws BAD_USER_INPUT for what
   * is no key, and UNREPRESENTABLE_VALUE for a value that the API cannot show.
   */
  key(relation: string | null, name: string, isPart = false): unknown {
    const n = keyCell(this.#aggregate, { relation, name, isPart });
    const key = this.#aggregate.keys[n];
    if (!key) {
      const path = [relation, name].filter((part) => part !== null).join('.');
      throw refusal('groupBy', `"${path}" is no key of these groups: add it to "groupBy".`);
    }
    return this.#cell(n, keyColumn(key), name);
  }

  /** Returns a measure of its rows, or of those that they are compared with. */
  value(measure: Measure, isPrevious: boolean): unknown {
    const { model } = this.#aggregate;
    const n = measureCell(this.#aggregate, measure, isPrevious);
    return this.#cell(n, measureColumn(model, measure), measureKey(measure));
  }

  #cell(n: number, column: Column, name: string): unknown {
    const cell = this.#row[`c${n}`];
    if (column.type === 'Json') return cell ?? null;
    if (cell === FAILED) {
      throw new GatewayError(
        'UNREPRESENTABLE_VALUE',
        `"${name}" of this group has a value that cannot be shown: it is infinite, not a number, or not of the years 1 to 9999.`,
      );
    }
    const value: unknown = JSON.parse(String(cell));
    return column.type === 'DateTime' && value !== null ? new Date(String(value)) : value;
  }
}

/** Returns how many keys are not rolled up, from the bits of those that are. */
export function keyCountOf({ keys }: Aggregate, rolled: number): number {
  // Those that are rolled up are the last ones.
  return keys.length - rolled.toString(2).replaceAll('0', '').length;
}

/** Returns the group of no rows, whatever their keys. */
export function emptyGroup(aggregate: Aggregate): Group {
  const keys = aggregate.keys.map((key, n) => [
    `c${n}`,
    keyColumn(key).type === 'Json' ? null : 'null',
  ]);
  const cells = [...aggregate.measures, ...aggregate.previous].map((measure, n) => {
    const isCount = measure.kind === 'count' || measure.kind === 'distinct';
    return [`c${aggregate.keys.length + n}`, isCount ? '0' : 'null'];
  });
  const rolled = 2 ** aggregate.keys.length - 1;
  return new Group(aggregate, { rolled, ...Object.fromEntries([...keys, ...cells]) });
}
