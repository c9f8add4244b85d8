import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { listen, TRANSPORTS } from '../support/subscribe.ts';
import { createTenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: LiveApi;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  const tenant = await createTenant(database);
  api = await openLiveApi(database);
  client = await api.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

type Operation = [query: string, variables?: Record<string, unknown>];

const conditions = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ title: { contains: `${i}` } }));
const aliases = (n: number, field: string) =>
  Array.from({ length: n }, (_, i) => `a${i}: ${field}`).join(' ');
const chain = (lists: number): string =>
  lists === 0 ? 'id' : `relatedCampaign { alerts(first: 10) { nodes { ${chain(lists - 1)} } } }`;
const spread = (levels: number) =>
  Array.from({ length: levels }, (_, i) => {
    const back = [
      ['quests', 'campaign'],
      ['moves', 'campaign'],
      ['alerts', 'relatedCampaign'],
    ];
    const lists = back.map(
      ([list, to]) => `${list}(first: 1) { nodes { ${to} { ...F${i + 1} } } }`,
    );
    return `fragment F${i} on Campaign { ${lists.join(' ')} }`;
  }).join(' ');

const QUERIES: Record<string, Operation> = {
  'counts with many conditions': [
    `query ($filter: SystemAlertFilter) { ${aliases(30, 'systemAlerts(first: 0, filter: $filter) { totalCount }')} }`,
    { filter: { or: conditions(100) } },
  ],
  'lists in lists': [
    `{ campaigns(first: 10) { nodes { alerts(first: 10) { nodes { ${chain(2)} } } } } }`,
  ],
  'as many values as a request can hold': [
    'query ($filter: SystemAlertFilter) { systemAlerts(filter: $filter) { totalCount } }',
    { filter: { or: Array(100).fill({ title: { in: Array(500).fill('x') } }) } },
  ],
  'a relation under many conditions': [
    'query ($filter: CampaignFilter) { campaigns(filter: $filter) { nodes { id } } }',
    { filter: { or: conditions(100).map((some) => ({ alerts: { some } })) } },
  ],
  'long texts': [
    'query ($filter: SystemAlertFilter) { systemAlerts(filter: $filter) { totalCount } }',
    { filter: { or: Array(20).fill({ description: { contains: 'x'.repeat(1_000) } }) } },
  ],
  'filters of lists in lists': [
    'query ($filter: SystemAlertFilter) { campaigns(first: 100) { nodes { a: alerts(filter: $filter) { totalCount } b: alerts(filter: $filter) { totalCount } } } }',
    { filter: { or: conditions(90) } },
  ],
  'fragments that multiply': [
    `{ campaigns(first: 1) { nodes { ...F0 } } } ${spread(4)}
     fragment F4 on Campaign { history(first: 100) { nodes { actor { fullName } agent { agentName } } } }`,
  ],
  'every value of many rows': [
    `{ ${aliases(10, 'campaigns(first: 100) { nodes { quests(first: 100) { nodes { id name description status createdAt } } } }')} }`,
  ],
};

const MUTATIONS: Record<string, Operation> = {
  'rows in rows': [
    `mutation ($inputs: [CampaignCreateInput!]!) { ${aliases(2, 'createCampaigns(inputs: $inputs) { affected }')} }`,
    { inputs: Array(20).fill({ name: 'x', quests: Array(20).fill({ name: 'x' }) }) },
  ],
  'many bulks': [
    `mutation ($inputs: [CampaignCreateInput!]!) { ${aliases(10, 'createCampaigns(inputs: $inputs, atomic: false) { affected }')} }`,
    { inputs: Array(100).fill({ name: 'x' }) },
  ],
  'a costly filter': [
    'mutation ($filter: SystemAlertFilter!) { deleteSystemAlerts(filter: $filter, atMost: 1) { affected } }',
    { filter: { or: conditions(100) } },
  ],
  'a costly answer': [
    'mutation { updateCampaigns(filter: { name: { equals: "x" } }, atMost: 100, input: { name: "y" }) { results { campaign { alerts(first: 100) { nodes { id } } quests(first: 100) { nodes { id } } } } } }',
  ],
};

function expectRefusal(errors: unknown, limit: number): void {
  expect(errors).toEqual([
    {
      message: expect.stringMatching(
        /^The operation costs [\d,]+ points, more than the [\d,]+ that/,
      ),
      extensions: { code: 'QUERY_TOO_COMPLEX', cost: expect.any(Number), limit },
    },
  ]);
  const [{ message, extensions }] = errors as [{ message: string; extensions: { cost: number } }];
  expect(extensions.cost).toBeGreaterThan(limit);
  expect(message).toContain(`${extensions.cost.toLocaleString('en')} points`);
  expect(message).toContain(`the ${limit.toLocaleString('en')} that`);
}

describe('an operation that costs too much is refused before it runs', () => {
  it.each(Object.entries({ ...QUERIES, ...MUTATIONS }))('%s', async (_, [query, variables]) => {
    const { campaigns } = await client.data('{ campaigns { totalCount } }');
    api.statements();
    const answer = await client.ask(query, variables);
    expect(answer.status).toBe(400);
    expect(answer.data ?? null).toBe(null);
    expectRefusal(answer.errors, limits.maxCost);
    // Only the person's memberships are read.
    expect(api.statements()).toHaveLength(1);
    expect(await client.data('{ campaigns { totalCount } }')).toEqual({ campaigns });
  });

  it.each(['application/json', 'application/graphql-response+json'])(
    'by GET, as %s',
    async (accept) => {
      const [query] = QUERIES['lists in lists'] as Operation;
      const answer = await fetch(`${api.url}/graphql?query=${encodeURIComponent(query)}`, {
        headers: { ...client.headers, accept },
      });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('content-type')).toContain(accept);
      expectRefusal((await answer.json()).errors, limits.maxCost);
    },
  );
});

/** Sends an operation over a streaming transport. Returns the errors that end the stream. */
async function refusedBy(transport: (typeof TRANSPORTS)[number], [query, variables]: Operation) {
  const listener = listen(api.url, client, transport);
  try {
    const subscription = listener.subscribe(query, variables);
    await eventually(subscription.isOver).toBe(true);
    expect(subscription.results).toHaveLength(1);
    return subscription.results[0]?.errors;
  } finally {
    listener.close();
  }
}

/** Costs more than an event may cost, but less than an operation may cost. */
const COSTLY = 'campaigns(first: 100) { nodes { alerts(first: 50) { nodes { id } } } }';

describe.each(TRANSPORTS)('over %s', (transport) => {
  it('a query is refused', async () => {
    expectRefusal(
      await refusedBy(transport, QUERIES['lists in lists'] as Operation),
      limits.maxCost,
    );
  });

  it('a mutation is refused', async () => {
    expectRefusal(
      await refusedBy(transport, MUTATIONS['rows in rows'] as Operation),
      limits.maxCost,
    );
  });

  it('a subscription is refused if an event costs too much', async () => {
    const subscription = `subscription { campaignChanged { node { ${chainOf(100)} } } }`;
    expectRefusal(await refusedBy(transport, [subscription]), limits.maxEventCost);
  });

  it('a live query is refused if an execution costs too much', async () => {
    expectRefusal(await refusedBy(transport, [`query @live { ${COSTLY} }`]), limits.maxEventCost);
  });

  it('a cheap live query is accepted', async () => {
    const listener = listen(api.url, client, transport);
    const subscription = listener.subscribe('query @live { campaigns(first: 1) { nodes { id } } }');
    await eventually(() => subscription.results.length).toBe(1);
    expect(subscription.results[0]?.data).toEqual({ campaigns: { nodes: [] } });
    listener.close();
  });
});

const chainOf = (size: number) =>
  `alerts(first: ${size}) { nodes { relatedCampaign { alerts(first: ${size}) { nodes { id title } } } } }`;

it('a live query that is answered once has the limit of other queries', async () => {
  expect((await client.ask(`query @live { ${COSTLY} }`)).errors).toBeUndefined();
});

it('a query is refused in single connection mode', async () => {
  const { headers } = client;
  const reserved = await fetch(`${api.url}/graphql/stream`, { method: 'PUT', headers });
  const token = await reserved.text();
  const own = { ...headers, 'x-graphql-event-stream-token': token };
  const stopped = new AbortController();
  const stream = await fetch(`${api.url}/graphql/stream`, {
    headers: { ...own, accept: 'text/event-stream' },
    signal: stopped.signal,
  });
  const [query] = QUERIES['lists in lists'] as Operation;
  await fetch(`${api.url}/graphql/stream`, {
    method: 'POST',
    headers: { ...own, 'content-type': 'application/json' },
    body: JSON.stringify({ query, extensions: { operationId: 'one' } }),
  });
  let text = '';
  for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.includes('event: complete')) break;
  }
  stopped.abort();
  const { id, payload } = JSON.parse(/event: next\ndata: (.*)\n/.exec(text)?.[1] ?? '{}');
  expect(id).toBe('one');
  expectRefusal(payload.errors, limits.maxCost);
});
