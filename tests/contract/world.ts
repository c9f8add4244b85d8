import { randomUUID } from 'node:crypto';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillTables, type Row, readTables } from '../support/rows.ts';

export interface Side {
  workspaceId: string;
  ownerId: string;
  client: Client;
  /** Rows by table. Rows of global tables belong to both sides. */
  rows: Map<string, Row[]>;
}

/** Two workspaces with rows in every table, each with its own Owner. */
export interface World {
  database: TestDatabase;
  api: Api;
  ours: Side;
  theirs: Side;
  close(): Promise<void>;
}

export async function createWorld(rowsPerTable = 2): Promise<World> {
  const database = await createTestDatabase('migrated');
  const api = await openApi(database);
  const tables = await readTables(database.query);
  const side = async (name: string): Promise<Side> => {
    const [workspaceId, ownerId, colleagueId] = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of [ownerId, colleagueId]) {
      await database.query('insert into auth.users (id, email) values ($1, $2)', [
        id,
        `${id}@example.com`,
      ]);
    }
    await database.query(
      'insert into workspaces (id, name, cohorts_limit, moves_per_sprint_limit) values ($1, $2, 1000, 1000)',
      [workspaceId, name],
    );
    await database.query(
      "insert into user_workspaces (user_id, workspace_id, role) values ($1, $3, 'Owner'), ($2, $3, 'Viewer')",
      [ownerId, colleagueId, workspaceId],
    );
    const owner = { workspaceId, userIds: [ownerId, colleagueId] };
    const rows = await fillTables(database.query, tables, owner, rowsPerTable);
    return { workspaceId, ownerId, rows, client: await api.as(ownerId, workspaceId) };
  };
  const ours = await side('Ours');
  const theirs = await side('Theirs');
  return {
    database,
    api,
    ours,
    theirs,
    async close() {
      await api.close();
      await database.close();
    },
  };
}
