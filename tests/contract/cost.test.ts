import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costOf } from '../../src/schema/cost/operation.ts';
import { schema } from '../../src/schema/index.ts';
import { type Case, caseOf, cases, named } from './cases.ts';
import { createVariedWorld, runCounted, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 6 });
  await world.writeUnchecked(`update cohorts set journey_distribution = '{}'`);
});
afterAll(() => world?.close());

/** Runs an operation. It must cost at least the price of a look-up for each of its statements. */
async function expectCovered(
  query: string,
  variableValues?: Record<string, unknown>,
): Promise<void> {
  const cost = costOf({ schema, document: parse(query), variableValues }) ?? 0;
  const { statements } = await runCounted(world, query, variableValues);
  expect(statements.length, query).toBeGreaterThan(0);
  expect(cost, query).toBeGreaterThanOrEqual(10 * statements.length);
}

/** The selections of all fields of a model that read other rows. */
function fieldsOf({ one, many, people, links }: Case, inner: (to: string) => string): string[] {
  return [
    ...one.map(([name, { to }]) => `${name} { id ${inner(to)} }`),
    ...people.map(([name]) => `${name} { id }`),
    ...links.map(([name, { to }]) => `${name} { id ${inner(to)} }`),
    ...many.flatMap(([name, { to }]) => [
      `${name}(first: 2) { nodes { id ${inner(to)} } }`,
      `${name}(first: 2) { totalCount pageInfo { hasNextPage } }`,
      `${name}(first: 1, filter: { id: { in: [] } }) { totalCount edges { cursor } }`,
    ]),
    'history(first: 1) { nodes { operation actor { id } } }',
  ];
}

/** Distributes fields over documents of `size` fields. */
function inDocuments(
  fields: readonly string[],
  size: number,
  of: (some: string) => string,
): string[] {
  const documents: string[] = [];
  for (let start = 0; start < fields.length; start += size) {
    const some = fields.slice(start, start + size).map((field, i) => `a${i}: ${field}`);
    documents.push(of(some.join(' ')));
  }
  return documents;
}

describe('the cost of an operation covers each of its statements', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const { root, lookup, table } = shown;
    const [row] = await world.readAsClient<{ id: string }>(
      `select id::text as id from ${table} limit 1`,
    );
    const next = (to: string) =>
      to === 'Workspace' ? '' : fieldsOf({ ...caseOf(to), many: [] }, () => '').join(' ');
    const list = (some: string) => `{ ${root}(first: 3) { nodes { id ${some} } } }`;
    const documents = [
      `{ ${root} { totalCount nodes { id } } }`,
      ...inDocuments(
        fieldsOf(shown, () => ''),
        25,
        list,
      ),
      ...inDocuments(
        fieldsOf(shown, () => ''),
        25,
        (some) => `{ ${lookup}(id: "${row?.id}") { id ${some} } }`,
      ),
      ...inDocuments(fieldsOf({ ...shown, many: shown.many.slice(0, 4) }, next), 4, list),
    ];
    for (const document of documents) await expectCovered(document);
  });

  it.each([
    'activeInsights { id }',
    'prioritySignals { id }',
    'viewer { profile { id } workspace { id overview { total } trendOpportunities { topic } } permissions { type } memberships { workspace { id } } }',
    'campaigns { nodes { health { state } } }',
    'moves { nodes { experimentSummary { experimentCount } } }',
    'cohorts { nodes { journeyShares { share } } }',
    'trends { nodes { opportunity { topic } } }',
    'agents { nodes { dailyPerformance { executionCount } } }',
    'strategyInsights { nodes { source { ... on Campaign { id } ... on Move { id } } } }',
  ])('%s', async (field) => {
    await expectCovered(`{ ${field} }`);
    await expectCovered(`{ a: ${field} b: ${field} }`);
  });

  it('nodes of many types', async () => {
    const ids = await Promise.all(
      cases.slice(0, 30).map(async ({ name, table }) => {
        const [row] = await world.readAsClient<{ id: string }>(
          `select id::text as id from ${table} limit 1`,
        );
        return Buffer.from(`${name}:${row?.id}`).toString('base64');
      }),
    );
    await expectCovered('query ($ids: [ID!]!) { nodes(nodeIds: $ids) { nodeId } }', { ids });
  });
});
