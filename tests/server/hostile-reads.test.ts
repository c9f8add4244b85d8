import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert } from '../support/tenant.ts';
import { type Answer, startGateway, type TestGateway, token } from './support/gateway.ts';

let database: TestDatabase;
let compiling: TestGateway;
/** A gateway without accelerators. */
let plain: TestGateway;
let headers: Record<string, string>;
let statements: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const { workspaceId: workspace_id, people } = await createTenant(database);
  for (let n = 0; n < 5; n += 1) {
    const campaign = await insert(database, 'campaigns', { workspace_id, name: `Campaign ${n}` });
    const alert = { workspace_id, alert_type: 'error', related_campaign_id: campaign };
    await insert(database, 'system_alerts', { ...alert, title: `Alert ${n}` });
  }
  compiling = await startGateway(database.gatewayUrl, {
    schema,
    accelerated: true,
    onStatement: (sql) => void statements.push(sql),
  });
  plain = await startGateway(database.gatewayUrl, { schema, accelerated: false });
  headers = {
    authorization: `Bearer ${await token({ sub: people.Owner, exp: Math.floor(Date.now() / 1000) + 600 })}`,
    'x-workspace-id': workspace_id,
  };
});
afterAll(async () => {
  await compiling?.close();
  await plain?.close();
  await database?.close();
});

const outcomeOf = ({ status, data, errors }: Answer) => ({ status, data, errors });

/** Sends a query with and without accelerators, twice, since a cached document is answered differently. */
async function answers(query: string, variables?: object): Promise<Answer> {
  const executed = await plain.ask(query, headers, variables);
  for (let n = 0; n < 2; n += 1) {
    expect(outcomeOf(await compiling.ask(query, headers, variables))).toEqual(outcomeOf(executed));
  }
  return executed;
}

/** Sends `count` requests, some at a time. Returns their results. */
async function sendInBatches<T>(count: number, send: (n: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) {
    const some = Array.from({ length: 20 }, (_, n) => send(all.length + n));
    all.push(...(await Promise.all(some)));
  }
  return all;
}

const times = (count: number, write: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => write(n)).join(' ');
const NAMES = 'campaigns(first: 2) { nodes { name } }';
const inCampaigns = (selection: string) => `{ campaigns(first: 2) { nodes { ${selection} } } }`;
const fragments = (count: number, write: (next: string) => string) =>
  `${inCampaigns('...F0')} ${times(count, (n) => `fragment F${n} on Campaign { ${write(`...F${n + 1}`)} }`)}
   fragment F${count} on Campaign { name }`;
const STEPS = [
  ['alerts(first: 1)', 'totalCount'],
  ['nodes', 'id'],
  ['relatedCampaign', 'id'],
] as const;
/** Relations in relations, below the two levels of the list. */
const deep = (levels: number) => {
  const steps = Array.from({ length: levels - 3 }, (_, n) => STEPS[n % STEPS.length] ?? STEPS[0]);
  const inner = steps.reduceRight((below, [name, leaf]) => `${name} { ${below || leaf} }`, '');
  return inCampaigns(inner);
};
const FILTERED =
  'query ($filter: CampaignFilter) { campaigns(filter: $filter) { nodes { name } } }';
const PAGED =
  'query ($first: Int, $after: String) { campaigns(first: $first, after: $after) { nodes { name } } }';
const nested = (levels: number): object =>
  levels === 0 ? { name: { equals: 'x' } } : { not: nested(levels - 1) };

const CASES: [about: string, code: string | null, query: string, variables?: object][] = [
  ['the most aliases', null, `{ ${times(30, (n) => `a${n}: ${NAMES}`)} }`],
  ['one alias too many', 'OPERATION_TOO_LARGE', `{ ${times(31, (n) => `a${n}: ${NAMES}`)} }`],
  ['10,000 aliases', 'OPERATION_TOO_LARGE', inCampaigns(times(10_000, (n) => `a${n}:id`))],
  ['10,000 times one field', 'OPERATION_TOO_LARGE', inCampaigns(times(10_000, () => 'id'))],
  ['relations 20 levels deep', null, deep(20)],
  ['relations 21 levels deep', 'OPERATION_TOO_LARGE', deep(21)],
  ['relations 90 levels deep', 'OPERATION_TOO_LARGE', deep(90)],
  ['fragments in 200 fragments', null, fragments(200, (next) => next)],
  ['fragments in 300 fragments', 'OPERATION_TOO_LARGE', fragments(300, (next) => next)],
  ['fragments that are each used twice', null, fragments(40, (next) => `id ${next} ${next}`)],
  [
    'fragments that are each used in two relations',
    'OPERATION_TOO_LARGE',
    fragments(12, (next) =>
      times(2, (n) => `a${n}: alerts(first: 1) { nodes { relatedCampaign { ${next} } } }`),
    ),
  ],
  [
    'fragments in a cycle',
    'GRAPHQL_VALIDATION_FAILED',
    `${inCampaigns('...A')} fragment A on Campaign { ...B } fragment B on Campaign { ...A }`,
  ],
  [
    'inline fragments in 80 others',
    null,
    inCampaigns(`${'... on Campaign { '.repeat(80)} name ${'}'.repeat(80)}`),
  ],
  [
    'a long text',
    'BAD_USER_INPUT',
    FILTERED,
    { filter: { name: { equals: 'x'.repeat(900_000) } } },
  ],
  ['the longest text', null, FILTERED, { filter: { name: { equals: 'x'.repeat(1_000) } } }],
  [
    '20,000 values',
    'BAD_USER_INPUT',
    FILTERED,
    { filter: { name: { in: Array(20_000).fill('x') } } },
  ],
  ['the most values', null, FILTERED, { filter: { name: { in: Array(500).fill('x') } } }],
  ['10,000 conditions', 'BAD_USER_INPUT', FILTERED, { filter: { or: Array(10_000).fill({}) } }],
  ['conditions 6 deep', null, FILTERED, { filter: nested(6) }],
  ['conditions 7 deep', 'BAD_USER_INPUT', FILTERED, { filter: nested(7) }],
  ['conditions 90 deep', 'BAD_USER_INPUT', FILTERED, { filter: nested(90) }],
  ['a page of 101', 'BAD_USER_INPUT', PAGED, { first: 101 }],
  ['a page of a negative size', 'BAD_USER_INPUT', PAGED, { first: -1 }],
  ['a page larger than an Int', 'BAD_USER_INPUT', PAGED, { first: 2 ** 40 }],
  ['a long cursor', 'BAD_USER_INPUT', PAGED, { after: 'x'.repeat(900_000) }],
  [
    '10,000 unknown variables',
    null,
    PAGED,
    Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`v${n}`, n])),
  ],
];

describe('a read is answered or refused in the same way with and without accelerators', () => {
  it.each(CASES)('%s: %s', async (_, code, query, variables) => {
    const { errors, data } = await answers(query, variables);
    if (code === null) expect(data).toHaveProperty(query.startsWith('{ a0') ? 'a0' : 'campaigns');
    expect(errors?.[0]?.extensions.code ?? null).toBe(code);
  });

  it('with another literal in each of 500 requests, which all use one statement', async () => {
    const query = (n: number) =>
      `{ campaigns(filter: { name: { equals: "Campaign ${n}" } }) { nodes { name } } }`;
    statements = [];
    const all = await sendInBatches(500, (n) => compiling.ask(query(n), headers));
    for (const [n, { data }] of all.entries()) {
      expect(data).toEqual({ campaigns: { nodes: n < 5 ? [{ name: `Campaign ${n}` }] : [] } });
    }
    const reads = statements.filter((sql) => sql.includes('"campaigns"'));
    expect([reads.length, new Set(reads).size]).toEqual([500, 1]);
  });

  it('in 1,000 shapes of one document', async () => {
    const query = `query ($first: Int, $a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) {
      campaigns(first: $first) {
        nodes { name status @include(if: $a) createdAt @skip(if: $b) id @include(if: $c) }
        totalCount @include(if: $d)
      }
    }`;
    const shape = (n: number) => {
      const flags = Math.floor(n / 100);
      const [a, b, c, d] = [1, 2, 4, 8].map((flag) => (flags & flag) > 0);
      return { first: 1 + (n % 100), a, b, c, d };
    };
    const ask = (gateway: TestGateway) =>
      sendInBatches(1_000, async (n) => (await gateway.ask(query, headers, shape(n))).text);
    const executed = await ask(plain);
    expect(await ask(compiling)).toEqual(executed);
    expect(new Set(executed).size).toBeGreaterThan(40);
  });

  it('and logs no errors', () => {
    expect([...compiling.log, ...plain.log]).toEqual([]);
  });
});
