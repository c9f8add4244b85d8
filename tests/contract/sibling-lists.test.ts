import { afterAll, beforeAll, expect, it } from 'vitest';
import { createVariedWorld, runCounted, type VariedWorld } from './varied.ts';

let world: VariedWorld;

beforeAll(async () => {
  world = await createVariedWorld({ rows: 40, gaps: false, accelerated: true });
  await world.writeUnchecked(
    `with numbered as (
       select id, workspace_id, row_number() over (partition by workspace_id order by id) as n from system_alerts
     )
     update system_alerts as a
     set related_campaign_id = (
           select id from campaigns as c where c.workspace_id = a.workspace_id order by created_at desc, id desc
           offset n % 2 limit 1),
         severity_level = (array['low', 'medium', 'high']::alert_severity[])[1 + n % 3],
         created_at = now() - n % 7 * interval '1 hour'
     from numbered where numbered.id = a.id`,
  );
});
afterAll(() => world?.close());

const severity = (label: string) => `filter: { severityLevel: { equals: ${label} } }`;
const LISTS: Readonly<Record<string, string>> = {
  low: `alerts(first: 2, ${severity('LOW')}) { nodes { id severityLevel } pageInfo { hasNextPage endCursor } }`,
  medium: `alerts(first: 3, ${severity('MEDIUM')}) { edges { cursor node { title } } }`,
  high: `alerts(first: 30, ${severity('HIGH')}) { nodes { createdAt relatedCampaign { name } } totalCount }`,
  none: `alerts(first: 5, ${severity('CRITICAL')}) { nodes { id } totalCount }`,
  all: 'alerts { nodes { id } totalCount }',
  // A join, which may read the rows in another order.
  related: 'alerts(filter: { relatedCampaign: {} }) { nodes { id } }',
  ofAgents: `alerts(filter: { triggeredByAgent: { isActive: { equals: true } } }) { totalCount }`,
};

const documentOf = (lists: Readonly<Record<string, string>>) =>
  `{ campaigns(first: 2) { nodes { ${Object.entries(lists)
    .map(([alias, list]) => `${alias}: ${list}`)
    .join(' ')} } } }`;

type Answers = Record<string, unknown>[];

async function ask(lists: Readonly<Record<string, string>>) {
  const { data, statements } = await runCounted(world, documentOf(lists));
  return { nodes: data.campaigns.nodes as Answers, text: statements.join('\n') };
}

it('reads the rows of a relation once for many lists, with the answers that each has alone', async () => {
  const together = await ask(LISTS);
  expect(together.text.match(/from "public"."system_alerts"/g)).toHaveLength(1);
  for (const [alias, list] of Object.entries(LISTS)) {
    const alone = await ask({ [alias]: list });
    expect(alone.text).not.toContain('materialized');
    expect(together.nodes.map((node) => node[alias])).toEqual(
      alone.nodes.map((node) => node[alias]),
    );
  }
  expect(together.nodes[0]).toMatchObject({ none: { totalCount: 0 }, all: { totalCount: 20 } });
});

it('reads a list in another order, or one behind a cursor, by itself', async () => {
  const first = await ask({ low: LISTS.low as string });
  const { endCursor } = (first.nodes[0] as { low: { pageInfo: { endCursor: string } } }).low
    .pageInfo;
  const others = {
    last: 'alerts(last: 2) { nodes { id } }',
    byTitle: 'alerts(orderBy: [{ field: TITLE }]) { nodes { id } }',
    byNotifications: 'alerts(orderBy: [{ notifications: { count: DESC } }]) { nodes { id } }',
    after: `alerts(after: "${endCursor}", ${severity('LOW')}) { nodes { id } }`,
  };
  const together = await ask({ ...LISTS, ...others });
  expect(together.text.match(/from "public"."system_alerts"/g)).toHaveLength(5);
  for (const [alias, list] of Object.entries(others)) {
    const alone = await ask({ [alias]: list });
    expect(together.nodes.map((node) => node[alias])).toEqual(
      alone.nodes.map((node) => node[alias]),
    );
  }
});
