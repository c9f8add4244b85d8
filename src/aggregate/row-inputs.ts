import { identifier, type Sql, sql } from '../sql/fragment.ts';
import type { InputText, RowInput } from '../sql/measure-text.ts';

/** Names what is read of each row for measures. */
export class RowInputs implements InputText {
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
