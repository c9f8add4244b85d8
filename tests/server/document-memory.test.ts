import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { usedHeap } from '../support/garbage.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;
/** The results of parsing since the start of a test. */
const parsed: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const plugins = [{ onParse: () => (done: { result: unknown }) => void parsed.push(done.result) }];
  gateway = await startGateway(database.gatewayUrl, { schema, plugins });
  const exp = Math.floor(Date.now() / 1000) + 600;
  authorization = `Bearer ${await token({ sub: '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d', exp })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

/** The 32 MiB for documents, plus other growth of the heap. */
const MAX_GROWTH = 48 * 1024 * 1024;

const repeat = (count: number, write: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => write(n)).join(' ');
const FIELDS = [
  'id',
  'name',
  'status',
  'nodeId',
  'createdAt',
  'updatedAt',
  'description',
  'objective',
]
  .concat(['startDate', 'endDate', 'positioningId', 'workspaceId', 'createdById', 'totalReach'])
  .concat(['conversionCount', 'budgetAllocation', 'roiPercentage', 'targetSegments'])
  .flatMap((name) => Array<string>(50).fill(name))
  .join(' ');
const COMMENTS = '#\n'.repeat(24_000);

/** Kinds of different documents of the largest allowed size. */
const kinds: [name: string, count: number, write: (n: number) => string][] = [
  ['comments', 50, (n) => `{ viewer { email } } # ${n}\n${COMMENTS}`],
  ['comments in an invalid document', 50, (n) => `{ viewer { email # ${n}\n${COMMENTS}`],
  // The statement is short.
  [
    'compiled fields',
    200,
    (n) => `{ campaigns(filter: { name: { equals: "${n}" } }) { nodes { ${FIELDS} } } }`,
  ],
  [
    'operations',
    110,
    (n) => `query A { __typename } ${repeat(394, (k) => `query A${n}_${k} { __typename }`)}`,
  ],
  ['validation errors', 40, (n) => `{ ${repeat(120, (k) => `nope${n}_${k}${'x'.repeat(380)}`)} }`],
];

describe('documents that are sent only once', () => {
  it.each(kinds)('do not fill the memory: %s', async (_, count, write) => {
    const ask = async (n: number) => {
      const query = write(n);
      const operationName = query.startsWith('query A ') ? 'A' : undefined;
      const answer = await gateway.send('/graphql', {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName }),
      });
      expect(answer.status, answer.text).toBe(200);
    };
    await ask(0);
    const before = await usedHeap();
    for (let n = 1; n <= count; n += 1) await ask(n);
    parsed.length = 0;
    expect((await usedHeap()) - before).toBeLessThan(MAX_GROWTH);
  });
});

describe('a document that is sent again', () => {
  const askTwice = async (query: string) => {
    parsed.length = 0;
    for (let n = 0; n < 2; n += 1) await gateway.ask(query, { authorization });
    return parsed;
  };

  it('is taken from the cache', async () => {
    const [first, second] = await askTwice('{ viewer { email role } }');
    expect(first).toMatchObject({ kind: 'Document' });
    expect(second).toBe(first);
  });

  it('is parsed again if it was invalid', async () => {
    const [first, second] = await askTwice('{ viewer { nope } }');
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });
});
