import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { usedHeap } from '../support/garbage.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl, { schema });
  const exp = Math.floor(Date.now() / 1000) + 600;
  authorization = `Bearer ${await token({ sub: '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d', exp })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

/** Besides the 32 MiB that documents may take, what a heap needs to breathe. */
const MAX_GROWTH = 48 * 1024 * 1024;

const repeat = (count: number, write: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => write(n)).join(' ');
const COMMENTS = '#\n'.repeat(24_000);

/** Kinds of documents as large as they may be; none is like another. */
const kinds: [name: string, count: number, status: number, write: (n: number) => string][] = [
  ['comments', 100, 200, (n) => `{ viewer { email } } # ${n}\n${COMMENTS}`],
  ['comments that are refused', 100, 200, (n) => `{ viewer { email # ${n}\n${COMMENTS}`],
  ['fields', 100, 200, (n) => `query A${n} { ${'__typename '.repeat(1_990)} }`],
  [
    'names',
    100,
    200,
    (n) => `query A${n} { viewer { ${repeat(600, () => '... on Viewer')} { email } } }`,
  ],
  ['texts', 200, 200, (n) => `{ campaigns(after: "${n}${'x'.repeat(49_000)}") { totalCount } }`],
  ['faults', 100, 200, (n) => `{ ${repeat(120, (k) => `nope${n}_${k}${'x'.repeat(380)}`)} }`],
];

describe('documents that are sent once', () => {
  it.each(kinds)('do not fill the memory: %s', async (_, count, status, write) => {
    const ask = (n: number) => gateway.ask(write(n), { authorization });
    expect((await ask(0)).status).toBe(status);
    const before = await usedHeap();
    for (let n = 1; n <= count; n += 1) await ask(n);
    expect((await usedHeap()) - before).toBeLessThan(MAX_GROWTH);
  });
});

it('a document that is sent again is not parsed and validated again', async () => {
  const ask = () => gateway.ask('{ viewer { email role } }', { authorization });
  await ask();
  expect((await ask()).data).toEqual({ viewer: { email: null, role: null } });
});
