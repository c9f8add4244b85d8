import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrator.ts';
import { OtherMigrationsError } from '../../src/database/migrator-errors.ts';
import { emptyDatabase } from '../../src/database/migrator-reset.ts';
import {
  type Cluster,
  createSchemaFolder,
  query,
  type SchemaFolder,
  startCluster,
} from './migrator-fixture.ts';

let cluster: Cluster;
let schema: SchemaFolder;
let url: string;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
  [schema, url] = await Promise.all([createSchemaFolder(), cluster.createDatabase()]);
  await schema.write('003_mood', 'create table moods (id int)');
  await migrate(url, schema);
});
afterEach(() => schema?.remove());

const refusal = () => migrate(url, schema).catch((error: unknown) => error);

test('a database with a changed script is refused, with what to do', async () => {
  await schema.write('003_mood', 'create table moods (id bigint)');
  await schema.write('004_later', 'create table later (id int)');
  const error = await refusal();
  expect(error).toBeInstanceOf(OtherMigrationsError);
  expect(error).toMatchObject({ code: 'MIGRATIONS_DIFFER' });
  expect(String(error)).toMatch(
    /Other migrations .*\nChanged since they were applied: 003_mood\nMake it again: npm run db:reset .* another DATA_DIR/,
  );
  expect(await query(url, "select to_regclass('later') as later")).toEqual([{ later: null }]);
});

test('a database with unknown scripts is refused, and can be reset to the new ones', async () => {
  await schema.remove('003_mood');
  await schema.write('003_feelings', 'create table feelings (id int)');
  // Its name comes before the newest one, otherwise it would be one of a newer version.
  await schema.write('004_later', 'create table later (id int)');
  expect(String(await refusal())).toMatch(/\nApplied, and not in this version: 003_mood\n/);
  await emptyDatabase(url);
  expect((await migrate(url, schema)).applied).toEqual([
    '001_tables',
    '002_trigger',
    '003_feelings',
    '004_later',
  ]);
});

test('a database of a newer version is left unchanged', async () => {
  await schema.remove('003_mood');
  expect(await migrate(url, schema)).toEqual({ applied: [] });
});
