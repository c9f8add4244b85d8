import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoPeople } from '../../prisma/seed/people.ts';
import type { SessionPool } from '../../src/context/database/pool.ts';
import { createExportPool } from '../../src/server/export/export-pool.ts';
import { type Api, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testEnv } from '../support/env.ts';
import { token } from './support/gateway.ts';

let database: TestDatabase;
let pool: SessionPool;
let api: Api;
beforeAll(async () => {
  database = await createTestDatabase('demo');
  pool = createExportPool({ connectionString: database.gatewayUrl });
  api = await openApi(database, 2, { exports: { pool } });
});
afterAll(async () => {
  await api?.close();
  await pool?.end();
  await database?.close();
});

/** A command of the page, with what it prints. */
const examples = [
  ...readFileSync('docs/export.md', 'utf8').matchAll(
    /^```sh\n([\s\S]+?)\n```\n\n```\n([\s\S]*?)^```$/gm,
  ),
].map(([, command = '', printed = '']): [string, string] => [command, printed]);

const hasCurl = spawnSync('curl', ['--version']).status === 0;

it.skipIf(!hasCurl && !testEnv.ci).each(examples)(
  `%s prints what the page says${hasCurl ? '' : ', but curl is not installed'}`,
  async (command, printed) => {
    const TOKEN = await token({ sub: demoPeople[0]?.id });
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', command.replace('http://127.0.0.1:4000', api.url).replace('curl', 'curl --silent')],
      { env: { PATH: process.env.PATH, TOKEN } },
    );
    expect(`${stdout.replaceAll('\r\n', '\n').trimEnd()}\n`).toBe(printed);
  },
);

it('the page has examples of rows, of groups and of an error', () => {
  expect(examples).toHaveLength(4);
});
