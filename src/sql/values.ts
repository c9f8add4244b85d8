import { parameter, type Sql, type ValueSource } from './fragment.ts';

/** The values of one statement, in the order in which they are added. */
export class Values implements ValueSource {
  readonly #values: unknown[] = [];

  /** Adds a value as the driver takes it, and returns its parameter. */
  add(value: unknown, type: Sql): Sql {
    return parameter(this, this.#values.push(value) - 1, type);
  }

  values(): readonly unknown[] {
    return this.#values;
  }
}
