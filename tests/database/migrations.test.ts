import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readMigrations, runByHand } from '../support/migrations.ts';
import { fillTables, readTables, type Table } from '../support/rows.ts';
import { catalogSnapshot, rowChecksums } from '../support/snapshot.ts';

const ROWS = 5;

let database: TestDatabase;
let tables: Table[];
let columns: Record<string, string[]>;
let before: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase('empty');
  const all = await readMigrations();
  await runByHand(
    database.url,
    all.filter(({ name }) => name < '013'),
  );
  tables = await readTables(database.query);
  const userIds = Array.from({ length: ROWS }, () => randomUUID());
  for (const id of userIds) await database.query('insert into auth.users (id) values ($1)', [id]);
  for (const workspaceId of [randomUUID(), randomUUID()]) {
    await database.query(
      `insert into workspaces (id, name, cohorts_limit) values ($1, 'Workspace', $2)`,
      [workspaceId, ROWS],
    );
    await fillTables(database.query, tables, { workspaceId, userIds }, ROWS);
  }
  columns = Object.fromEntries(
    tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
  );
  before = await rowChecksums(database.query, columns);
});
afterAll(() => database.close());

test('the migrations before 013 make 43 tables, all of which have rows here', () => {
  expect(tables).toHaveLength(43);
  for (const { name } of tables) {
    const rows = Object.keys(before).filter((key) => key.startsWith(`${name} `));
    expect(rows.length, name).toBeGreaterThanOrEqual(2);
  }
});

test('the step to 59 tables changes no row', async () => {
  const platform = (await readMigrations()).filter(({ name }) => name >= '013' && name < '018');
  await runByHand(database.url, platform);
  expect(await readTables(database.query)).toHaveLength(59);
  expect(await rowChecksums(database.query, columns)).toEqual(before);
  expect(await database.query('select from moves where campaign_id is not null')).toEqual([]);
});

test('all migrations can be run again by hand without errors or changes', async () => {
  const migrations = await readMigrations();
  await runByHand(
    database.url,
    migrations.filter(({ name }) => name >= '018'),
  );
  expect(await rowChecksums(database.query, columns)).toEqual(before);
  const first = await catalogSnapshot(database.query);
  await runByHand(database.url, migrations);
  expect(await catalogSnapshot(database.query)).toEqual(first);
  expect(await rowChecksums(database.query, columns)).toEqual(before);
});

test('the checksums of these tests change with a value', async () => {
  await database.query(`update workspaces set name = 'Renamed'`);
  const after = await rowChecksums(database.query, columns);
  const changed = Object.keys(before).filter((key) => after[key] !== before[key]);
  expect(changed).toHaveLength(2);
});
