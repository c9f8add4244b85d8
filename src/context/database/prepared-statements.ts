import type { FieldDef } from 'pg';

export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
  /** Whether the server is known to hold it. */
  parsed: boolean;
  /** The columns it returns, once it has run. */
  fields?: FieldDef[];
}

/** Whether the statement ran into a plan made before its tables changed, or is gone from the server. */
export function isOutdated(error: unknown): boolean {
  const { code } = error as { code?: string };
  // feature_not_supported: "cached plan must not change result type"; invalid_sql_statement_name.
  return code === '0A000' || code === '26000';
}

/** Postgres uses about 250 bytes of memory per character of a prepared statement. */
const MAX_CHARACTERS = 256 * 1024;
/** So that a statement never evicts another one of its own batch. */
const MAX_CHARACTERS_OF_ONE = MAX_CHARACTERS / 2;

/**
 * The statements prepared on one connection: at most `limit`, with at most 256 Ki characters in total.
 * The least recently used are evicted. Statements longer than 128 Ki characters are not prepared by
 * name. With a limit of 0 none are, as transaction poolers need.
 */
export class PreparedStatements {
  readonly #limit: number;
  readonly #byText = new Map<string, PreparedStatement>();
  #discarded: string[] = [];
  #count = 0;
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(text: string): PreparedStatement {
    if (this.#limit === 0 || text.length > MAX_CHARACTERS_OF_ONE) {
      return { name: '', text, parsed: false };
    }
    const known = this.#byText.get(text);
    if (known) {
      this.#byText.delete(text);
      this.#byText.set(text, known);
      return known;
    }
    this.#count += 1;
    const statement: PreparedStatement = { name: `s${this.#count}`, text, parsed: false };
    this.#byText.set(text, statement);
    this.#characters += text.length;
    for (const oldest of this.#byText.values()) {
      if (this.#byText.size <= this.#limit && this.#characters <= MAX_CHARACTERS) break;
      this.#discard(oldest);
    }
    return statement;
  }

  /** Returns the names to close on the server, once. */
  takeDiscarded(): string[] {
    const names = this.#discarded;
    this.#discarded = [];
    return names;
  }

  /** Gives up those the server may not hold, or not in this shape, after a batch has failed. */
  failed(statements: readonly PreparedStatement[], error: unknown): void {
    const outdated = isOutdated(error);
    for (const statement of statements) {
      if (outdated || !statement.parsed) this.#discard(statement);
    }
  }

  #discard(statement: PreparedStatement): void {
    // Whether a failed batch got as far as preparing it is unknown: closing covers both.
    if (!this.#byText.delete(statement.text)) return;
    this.#characters -= statement.text.length;
    this.#discarded.push(statement.name);
  }
}
