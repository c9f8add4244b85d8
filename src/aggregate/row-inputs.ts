import type { Condition } from '../resolvers/conditions.ts';
import { identifier, type Sql, sql } from '../sql/fragment.ts';

/** What measures are made of, for each row. */
export type RowInput =
  | { kind: 'column'; column: string }
  | { kind: 'filter'; filter: Condition }
  | { kind: 'seconds'; from: string; to: string };

/** Names what is read of each row for measures. */
export class RowInputs {
  readonly #known = new Map<string, { input: RowInput; name: Sql }>();

  /** Returns the name of an input in a row, which is `r`. */
  of(input: RowInput): Sql {
    const key = JSON.stringify(input, (_, value) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    let found = this.#known.get(key);
    if (!found) {
      found = { input, name: identifier(`x${this.#known.size}`) };
      this.#known.set(key, found);
    }
    return sql`r.${found.name}`;
  }

  /** Those that were asked for, with their names. */
  get all(): readonly { input: RowInput; name: Sql }[] {
    return [...this.#known.values()];
  }
}
