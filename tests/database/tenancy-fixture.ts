import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  buildRow,
  fillTables,
  insertOf,
  isTenant,
  type Row,
  readTables,
  type Table,
} from '../support/rows.ts';
import { ROLES, type Role, RULES, SHARED } from './tenancy-rules.ts';

export const A = randomUUID();
export const B = randomUUID();
/** Member of no workspace. */
export const OUTSIDER = randomUUID();

/** Assigned to A. */
export const AGENT = 'tenancy agent';

/** Has the role in A; all of them own B, so that only the current workspace hides B's rows. */
export const MEMBERS = Object.fromEntries(ROLES.map((role) => [role, randomUUID()])) as Record<
  Role,
  string
>;

// Picks the first label of every enumeration: people cannot create an archived campaign.
const NUMBER = 420;

interface Overrides extends Row {
  workspaceId?: string | null;
  userId?: string;
}

/** Two workspaces with rows in every table. */
export class Tenants {
  readonly database: TestDatabase;
  readonly tables: ReadonlyMap<string, Table>;
  rowsOfA = new Map<string, Row[]>();
  rowsOfB = new Map<string, Row[]>();
  /** The agent's assignment to A. */
  assignmentId: unknown;

  static async create(): Promise<Tenants> {
    const database = await createTestDatabase();
    const { query } = database;
    const userIds = Object.values(MEMBERS);
    for (const id of [...userIds, OUTSIDER]) {
      await query('insert into auth.users (id) values ($1)', [id]);
    }
    for (const id of [A, B]) {
      await query(
        `insert into workspaces (id, name, cohorts_limit) values ($1, 'Workspace', 100)`,
        [id],
      );
      for (const role of ROLES) {
        await query(
          'insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)',
          [MEMBERS[role], id, id === A ? role : 'Owner'],
        );
      }
    }
    const tables = await readTables(query);
    const tenants = new Tenants(database, tables);
    for (const name of SHARED) {
      const { sql, values } = tenants.newRow(name, { workspaceId: null });
      await query(sql, values);
    }
    const fill = (workspaceId: string) =>
      fillTables(query, tables, { workspaceId, userIds }, ROLES.length);
    tenants.rowsOfA = await fill(A);
    tenants.rowsOfB = await fill(B);
    const [agent] = await query(
      `insert into agent_registry (agent_name, agent_type) values ($1, 'researcher') returning id`,
      [AGENT],
    );
    const [assignment] = await query(
      'insert into agent_assignments (workspace_id, agent_id) values ($1, $2) returning id',
      [A, agent?.id],
    );
    tenants.assignmentId = assignment?.id;
    return tenants;
  }

  private constructor(database: TestDatabase, tables: readonly Table[]) {
    this.database = database;
    this.tables = new Map(tables.map((table) => [table.name, table]));
  }

  isTenant(name: string): boolean {
    return isTenant(this.tableOf(name));
  }

  /** Returns the statement that inserts a row, by default into A and for its Owner. */
  newRow(name: string, { workspaceId = A, userId = MEMBERS.Owner, ...values }: Overrides = {}) {
    const owner = { workspaceId, userIds: [userId] };
    return insertOf(name, {
      ...buildRow(this.tableOf(name), owner, this.rowsOfA, NUMBER),
      ...values,
    });
  }

  /** Returns a row of the table, the person's own where rows are people's. */
  rowOf(workspaceId: string, name: string, userId: string): Row {
    if (name === 'workspaces') return { id: workspaceId };
    const own = RULES[name]?.person;
    const rows = (workspaceId === A ? this.rowsOfA : this.rowsOfB).get(name);
    const row = rows?.find((candidate) => !own || candidate[own] === userId);
    if (!row) throw new Error(`${name} has no row for this.`);
    return row;
  }

  /** Returns the ids that an actor sees, in order. */
  async idsSeenBy(actor: Actor, name: string): Promise<unknown[]> {
    const rows = await this.database.rehearse(actor, (query) => query(`select id from ${name}`));
    return rows.map(({ id }) => id).sort();
  }

  /** Returns the ids of rows under a condition about a person ($1) and a workspace ($2). */
  async idsWhere(name: string, condition: string, values: [unknown, unknown]) {
    const rows = await this.database.query(
      `select id from ${name} where $1::uuid is distinct from $2::uuid and (${condition})`,
      values,
    );
    return rows.map(({ id }) => id).sort();
  }

  /** Returns null for the columns with the agent that wrote a row of the table. */
  async unsigned(name: string): Promise<Row> {
    const [row] = await this.database.query<{ columns: string[] }>(
      `select coalesce(array_agg(split_part(encode(tgargs, 'escape'), '\\000', 1)), '{}') as columns
       from pg_trigger where tgrelid = $1::regclass and tgname = 'stamp_agent'`,
      [name],
    );
    return Object.fromEntries((row?.columns ?? []).map((column) => [column, null]));
  }

  /** Returns how many rows a statement writes, or its SQLSTATE; it is rolled back. */
  async attempt(actor: Actor, sql: string, values: unknown[] = []): Promise<number | string> {
    try {
      return await this.database.rehearse(
        actor,
        async (query) => (await query(`${sql} returning 1`, values)).length,
      );
    } catch (error) {
      return (error as pg.DatabaseError).code ?? String(error);
    }
  }

  /** Whether policies allow a statement: constraints are checked after them. */
  async allowed(actor: Actor, sql: string, values: unknown[] = []): Promise<boolean> {
    const outcome = await this.attempt(actor, sql, values);
    if (outcome === 0 || outcome === '42501') return false;
    // The last one protects the only Owner.
    if ([1, '23505', '23503', '55000'].includes(outcome)) return true;
    throw new Error(`${sql} came to ${outcome}`);
  }

  /** Returns the whole error of a statement, in which each of the values is replaced. */
  async refusal(actor: Actor, sql: string, values: unknown[], secrets: unknown[]): Promise<Row> {
    try {
      await this.database.rehearse(actor, (query) => query(sql, values));
    } catch (error) {
      const { code, message, constraint, detail } = error as pg.DatabaseError;
      const masked = secrets.reduce<string>(
        (text, secret) => text.replaceAll(String(secret), 'a value'),
        detail ?? '',
      );
      return { code, message, constraint, detail: masked };
    }
    throw new Error(`${sql} was not refused`);
  }

  private tableOf(name: string): Table {
    const table = this.tables.get(name);
    if (!table) throw new Error(`There is no table ${name}.`);
    return table;
  }
}
