import type { Connection, CustomTypesConfig, FieldDef, Submittable } from 'pg';
import pg from 'pg';
import utils from 'pg/lib/utils.js';
import { serialize } from 'pg-protocol';
import { markNumbers } from '../exact-json.ts';
import { toSqlStateError } from './database-errors.ts';
import type { PreparedStatement, PreparedStatements } from './prepared-statements.ts';

/** A statement from Prisma's adapter or `database.query`. */
export interface Statement {
  text: string;
  values?: readonly unknown[];
  rowMode?: 'array';
  types?: CustomTypesConfig;
  /** Whether it is sent as it is. Others may be Prisma's, whose SQL is made exact and fast. */
  isFinal?: boolean;
}

/** A result in the shape of node-postgres. */
export interface StatementResult {
  command: string;
  rowCount: number | null;
  fields: FieldDef[];
  rows: unknown[];
}

/** What a batch returns: the result of the last statement, and how many rows others affected. */
export interface BatchResult extends StatementResult {
  leadingCounts: number[];
}

type Parser = (value: string) => unknown;

interface Message {
  prepared: PreparedStatement;
  values: (string | Buffer | null)[];
}

/** No type OIDs (Postgres infers them), no result in binary. */
const NO_TYPES: number[] = [];

const DESCRIBE = serialize.describe({ type: 'P' });
const EXECUTE = serialize.execute({});
const SYNC = serialize.sync();

/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;

/**
 * Sends several statements as one extended-protocol batch with a single Sync, and gives the result
 * of the last one: outside a transaction block the batch is one implicit transaction, so settings
 * that lead it are gone when it ends, whether it succeeds or fails.
 */
export class StatementBatch implements Submittable {
  /** Settles when the server is ready for the next batch, so after the commit, or was abandoned. */
  readonly result: Promise<BatchResult>;
  /** node-postgres replaces it with one that also ends its query timeout. */
  callback!: (error: unknown) => void;

  readonly #statements: PreparedStatements;
  readonly #messages: Message[];
  readonly #main: Statement;
  readonly #result: BatchResult = {
    command: '',
    rowCount: null,
    fields: [],
    rows: [],
    leadingCounts: [],
  };
  #leading: number;
  #parsers: Parser[] = [];
  #failure: unknown;
  #reject!: (reason: unknown) => void;

  /** `onOver` is called when the server has answered, with the error if it did not succeed. */
  constructor(
    statements: PreparedStatements,
    leading: readonly Statement[],
    main: Statement,
    onOver: (error: unknown) => void,
  ) {
    this.#statements = statements;
    this.#main = main;
    this.#leading = leading.length;
    this.result = new Promise((resolve, reject) => {
      this.#reject = reject;
      this.callback = (error) => {
        const failure = this.#failure ?? (error && toSqlStateError(error));
        onOver(failure);
        if (failure) reject(failure);
        else resolve(this.#result);
      };
    });
    // Values are converted before anything is taken or written: a throw must leave nothing behind.
    const converted = [...leading, main].map(({ text, values = [] }) => {
      if (values.length > MAX_PARAMETERS) throw new RangeError('Too many statement parameters');
      return { text, values: values.map(utils.prepareValue) };
    });
    this.#messages = converted.map(({ text, values }) => ({
      prepared: statements.take(text),
      values,
    }));
  }

  /** The SQL of the last statement. */
  get text(): string {
    return this.#main.text;
  }

  /** Rejects the result before the server has answered. */
  abandon(reason: Error): void {
    this.#reject(reason);
  }

  submit(connection: Connection): void {
    const messages = this.#statements
      .takeDiscarded()
      .map((name) => serialize.close({ type: 'S', name }));
    for (const [index, { prepared, values }] of this.#messages.entries()) {
      const { name, text } = prepared;
      if (!prepared.parsed) messages.push(serialize.parse({ name, text, types: NO_TYPES }));
      messages.push(serialize.bind({ statement: name, values }));
      if (index === this.#messages.length - 1) {
        // A prepared statement keeps its row shape: Postgres refuses to run it once that changes.
        if (prepared.fields) this.handleRowDescription({ fields: prepared.fields });
        else messages.push(DESCRIBE);
      }
      messages.push(EXECUTE);
    }
    messages.push(SYNC);
    // One write: each buffer of its own costs the system as much as a short statement.
    connection.stream.write(Buffer.concat(messages));
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    const types = this.#main.types ?? pg.types;
    this.#result.fields = fields;
    this.#parsers = fields.map(({ dataTypeID }) =>
      keepDigits(dataTypeID, types.getTypeParser(dataTypeID, 'text')),
    );
  }

  handleDataRow({ fields: values }: { fields: (string | null)[] }): void {
    if (this.#leading > 0 || this.#failure) return;
    try {
      const parsed = this.#parse(values);
      this.#result.rows.push(this.#main.rowMode === 'array' ? parsed : this.#named(parsed));
    } catch (error) {
      this.#failure = error;
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const [command = '', ...numbers] = text.split(' ');
    const count = numbers.at(-1);
    if (this.#leading > 0) {
      this.#leading -= 1;
      this.#result.leadingCounts.push(Number(count ?? 0));
      return;
    }
    this.#result.command = command;
    this.#result.rowCount = count === undefined ? null : Number(count);
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyData(): void {}

  handleCopyInResponse(connection: Connection & { sendCopyFail(reason: string): void }): void {
    connection.sendCopyFail('COPY is not supported here');
  }

  handleError(error: unknown): void {
    this.#statements.failed(
      this.#messages.map(({ prepared }) => prepared),
      error,
    );
    this.callback(error);
  }

  handleReadyForQuery(): void {
    for (const { prepared } of this.#messages) prepared.parsed = true;
    const main = this.#messages.at(-1);
    if (main) main.prepared.fields = this.#result.fields;
    this.callback(null);
  }

  #parse(values: (string | null)[]): unknown[] {
    return values.map((value, index) =>
      value === null ? null : (this.#parsers[index] as Parser)(value),
    );
  }

  #named(values: unknown[]): Record<string, unknown> {
    const row: Record<string, unknown> = {};
    for (const [index, { name }] of this.#result.fields.entries()) row[name] = values[index];
    return row;
  }
}

const JSON_TYPES: readonly number[] = [pg.types.builtins.JSON, pg.types.builtins.JSONB];

/** Marks numbers inside JSON, so that they keep their digits. */
function keepDigits(dataTypeID: number, parse: Parser): Parser {
  return JSON_TYPES.includes(dataTypeID) ? (json) => parse(markNumbers(json)) : parse;
}
