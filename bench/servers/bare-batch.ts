import type { Connection, Submittable } from 'pg';

const SETTINGS =
  "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true), " +
  "set_config('app.current_workspace_id', $3, true), set_config('timezone', 'UTC', true)";

/** Names of the statements that each connection has prepared. */
const prepared = new WeakMap<Connection, Set<string>>();

/**
 * The settings of a request and its statement in one round trip: a batch of the extended protocol with
 * a single Sync, which Postgres takes as one transaction.
 */
export class SettingsAndStatement implements Submittable {
  /** The single value of the statement's single row. */
  readonly result: Promise<string>;
  /** node-postgres replaces it. */
  callback!: (error: unknown) => void;
  readonly #statements: readonly { name: string; text: string; values: unknown[] }[];
  #names: Set<string> = new Set();
  #value = 'null';
  #error: unknown;

  constructor(settings: readonly string[], name: string, text: string, values: unknown[]) {
    this.#statements = [
      { name: 'settings', text: SETTINGS, values: [...settings] },
      { name, text, values },
    ];
    this.result = new Promise((resolve, reject) => {
      this.callback = (error) => {
        const failure = this.#error ?? error;
        if (failure) reject(failure);
        else resolve(this.#value);
      };
    });
  }

  submit(connection: Connection): void {
    this.#names = prepared.get(connection) ?? new Set();
    prepared.set(connection, this.#names);
    connection.stream.cork();
    for (const { name, text, values } of this.#statements) {
      if (!this.#names.has(name)) connection.parse({ name, text, types: [] }, true);
      connection.bind({ statement: name, values: values as string[] }, true);
      connection.execute({}, true);
    }
    connection.sync();
    connection.stream.uncork();
  }

  /** The settings' row comes first, the statement's one last. */
  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#value = fields[0] ?? 'null';
  }

  handleError(error: unknown): void {
    this.#error = error;
    this.callback(error);
  }

  handleReadyForQuery(): void {
    for (const { name } of this.#statements) this.#names.add(name);
    this.callback(null);
  }

  handleRowDescription(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}
  handleCopyInResponse(): void {}
}
