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
  const [baseline] = await readMigrations();
  if (!baseline) throw new Error('There is no baseline migration.');
  await runByHand(database.url, [baseline]);
  tables = await readTables(database.query);
  const userIds = Array.from({ length: ROWS }, () => randomUUID());
  for (const id of userIds) await database.query('insert into auth.users (id) values ($1)', [id]);
  for (const workspaceId of [randomUUID(), randomUUID()]) {
    await database.query(`insert into workspaces (id, name) values ($1, 'Workspace')`, [
      workspaceId,
    ]);
    await fillTables(database.query, tables, { workspaceId, userIds }, ROWS);
  }
  columns = Object.fromEntries(
    tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
  );
  before = await rowChecksums(database.query, columns);
});
afterAll(() => database.close());

test('the baseline makes 43 tables, and all of them hold rows here', () => {
  expect(tables).toHaveLength(43);
  for (const { name } of tables) {
    const rows = Object.keys(before).filter((key) => key.startsWith(`${name} `));
    expect(rows.length, name).toBeGreaterThanOrEqual(2);
  }
});

test('the step to 59 tables keeps every row as it was', async () => {
  const names = (await readMigrations()).slice(1);
  const platform = names.filter(({ name }) => name < '018');
  await runByHand(database.url, platform);
  expect(await readTables(database.query)).toHaveLength(59);
  expect(await rowChecksums(database.query, columns)).toEqual(before);
  expect(await database.query('select from moves where campaign_id is not null')).toEqual([]);
});

test('all migrations run again by hand without an error and without a change', async () => {
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

test('a checksum tells when a value changes', async () => {
  await database.query(`update workspaces set name = 'Renamed'`);
  const after = await rowChecksums(database.query, columns);
  const changed = Object.keys(before).filter((key) => after[key] !== before[key]);
  expect(changed).toHaveLength(2);
});
