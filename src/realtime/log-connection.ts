import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { PreparedStatements } from '../context/database/prepared-statements.ts';
import { StatementBatch } from '../context/database/statement-batch.ts';
import type { LogConnection } from './log.ts';

const STATEMENT_MS = 30_000;
const CONNECT_MS = 5_000;
/** How long an answer may be late before the connection is given up. */
const ANSWER_GRACE_MS = 5_000;

/** For the transaction only, since poolers give one session to several clients. */
const LIMIT = { text: `SELECT set_config('statement_timeout', '${STATEMENT_MS}', true)` };
/** Nothing is prepared by name, as poolers need. */
const UNNAMED = new PreparedStatements(0);

export interface LogClientEvents {
  notification(): void;
  /** The connection is lost; the next query says why. */
  lost(): void;
}

/** One connection for the log's statements. */
export class LogClient implements LogConnection {
  readonly #client: pg.Client;

  constructor(connectionString: string, events: LogClientEvents) {
    this.#client = new pg.Client(configOf(connectionString));
    this.#client.on('error', events.lost);
    this.#client.on('notification', events.notification);
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]) {
    return send<Row>(this.#client, text, values);
  }

  end(): Promise<void> {
    return this.#client.end();
  }
}

/** Several connections for the log's statements, made when they are needed. */
export class LogPool implements LogConnection {
  readonly #pool: pg.Pool;

  constructor(connectionString: string, maxConnections: number) {
    this.#pool = new pg.Pool({ ...configOf(connectionString), max: maxConnections });
    // A statement on a lost connection fails; an idle connection is replaced when it is needed.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  async query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]) {
    const client = await this.#pool.connect();
    let isUsable = false;
    try {
      const result = await send<Row>(client, text, values);
      isUsable = true;
      return result;
    } finally {
      client.release(!isUsable);
    }
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

function configOf(connectionString: string): pg.ClientConfig {
  return {
    // Parameters of the connection string would replace those that follow.
    ...parseIntoClientConfig(connectionString),
    application_name: 'codex-gateway-feed',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS + ANSWER_GRACE_MS,
  };
}

async function send<Row>(client: pg.ClientBase, text: string, values: readonly unknown[] = []) {
  const batch = new StatementBatch(UNNAMED, [LIMIT], { text, values }, () => {});
  client.query(batch);
  const { rows } = await batch.result;
  return { rows: rows as Row[] };
}

/** Rejects when the signal is aborted before the work is done. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
