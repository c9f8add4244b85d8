import pg from 'pg';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

/** A change in the log. */
export interface Logged {
  table: string;
  row: string;
  operation: string;
  workspace: string | null;
  reader: string | null;
  columns: string[];
}

/** Runs something and returns what it added to the log, in order; nobody else may write meanwhile. */
export async function logged(query: Query, run: () => Promise<unknown>): Promise<Logged[]> {
  const [last] = await query<{ seq: string }>(
    'select coalesce(max(seq), 0) as seq from gateway.change',
  );
  await run();
  return query<Logged>(
    `select table_name as table, row_id as row, operation, workspace_id as workspace, reader_id as reader,
            array(select unnest(changed_columns) order by 1) as columns
     from gateway.change where seq > $1 order by seq`,
    [last?.seq],
  );
}

/** Returns `operation table` of each change. */
export function outline(changes: readonly Logged[]): string[] {
  return changes.map(({ operation, table }) => `${operation} ${table}`);
}

/** A connection with the notifications that arrive on it. */
export class Connection {
  readonly notifications: string[] = [];
  readonly #client: pg.Client;

  static async open(url: string): Promise<Connection> {
    const client = new pg.Client(url);
    await client.connect();
    return new Connection(client);
  }

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('notification', ({ channel }) => this.notifications.push(channel));
  }

  readonly query: Query = async <T extends object>(sql: string, values?: unknown[]) =>
    (await this.#client.query<T & pg.QueryResultRow>(sql, values)).rows;

  close(): Promise<void> {
    return this.#client.end();
  }
}

export type Change = [seq: number, table: string, row: string, ...unknown[]];

/** What a reader gets from the log. */
export interface News {
  snapshot: string;
  awake: boolean;
  more: boolean;
  changes: Change[];
}

/** A database, two of its workspaces, and a reader of its change log. */
export class OpenLog {
  readonly database: TestDatabase;
  readonly tenant: Tenant;
  readonly other: Tenant;
  /** Logged in as the gateway, for the log. */
  readonly reader: Connection;
  readonly #opened: Connection[] = [];

  static async create(): Promise<OpenLog> {
    const database = await createTestDatabase();
    const reader = await Connection.open(database.gatewayUrl);
    await reader.query('select gateway.open_change_log()');
    const [tenant, other] = [await createTenant(database), await createTenant(database)];
    return new OpenLog(database, tenant, other, reader);
  }

  private constructor(database: TestDatabase, tenant: Tenant, other: Tenant, reader: Connection) {
    this.database = database;
    this.tenant = tenant;
    this.other = other;
    this.reader = reader;
  }

  /** A connection for one test, as the superuser or as the gateway. */
  async connect(who: 'superuser' | 'gateway'): Promise<Connection> {
    const { url, gatewayUrl } = this.database;
    const connection = await Connection.open(who === 'gateway' ? gatewayUrl : url);
    this.#opened.push(connection);
    return connection;
  }

  /** Raises so many alerts in one statement; returns their ids in the order of the log. */
  async raise(
    count = 1,
    { query }: { query: Query } = this.database,
    { workspaceId } = this.tenant,
  ) {
    const rows = await query<{ id: string }>(
      `insert into system_alerts (workspace_id, alert_type, title)
       select $1, 'error', 'Alert' from generate_series(1, $2::integer) returning id`,
      [workspaceId, count],
    );
    return rows.map(({ id }) => id);
  }

  async snapshot(): Promise<string> {
    const [row] = await this.reader.query<{ snapshot: string }>(
      'select gateway.change_snapshot()::text as snapshot',
    );
    return String(row?.snapshot);
  }

  async after(seen: string, pageSize = 1_000): Promise<News> {
    const [news] = await this.reader.query<News>('select * from gateway.changes_after($1, $2)', [
      ...[seen, pageSize],
    ]);
    return news as News;
  }

  /** Closes what a test has opened. */
  async disconnect(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((connection) => connection.close()));
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.database.close();
  }
}

/** Returns the ids of the rows that changed. */
export function rowsOf({ changes }: Pick<News, 'changes'>): string[] {
  return changes.map(([, , row]) => row);
}
