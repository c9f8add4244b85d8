import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { insertSearched, ROWS } from './search-rows.ts';

let database: TestDatabase;
let ours: Tenant;
let theirs: Tenant;
let api: Api;
let viewer: Client;

const TITLE = `__typename ... on Campaign { title: name } ... on SystemAlert { title } ... on MarketInsight { title: insightTitle }
  ... on StrategyInsight { title } ... on IntelligenceSignal { title: signalTitle } ... on Asset { title: name }
  ... on Cohort { title: name } ... on Agent { title: agentName } ... on Positioning { title: name }`;

const SEARCH = `query ($text: String!, $types: [SearchType!], $first: Int, $after: String) {
  search(text: $text, types: $types, first: $first, after: $after) {
    totalCount isApproximate totals { type totalCount }
    edges { cursor type score node { ${TITLE} } snippets { field parts { text isMatch } } }
    nodes { ${TITLE} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

async function find(text: string, more: object = {}, client = viewer): Promise<Data> {
  return (await client.data(SEARCH, { text, ...more })).search;
}

const titles = (found: Data): string[] => found.nodes.map(({ title }: Data) => title);

beforeAll(async () => {
  database = await createTestDatabase();
  [ours, theirs] = [await createTenant(database), await createTenant(database)];
  await insertSearched(database, ours, ROWS);
  await insert(database, 'agent_registry', {
    agent_name: 'trend-scout',
    agent_type: 'researcher',
    purpose: 'Watches hashtags',
    system_prompt: 'zebrafinch',
  });
  api = await openApi(database);
  viewer = await api.as(ours.people.Viewer, ours.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

describe('the first hit', () => {
  it.each([
    // Words. Matches in titles come before those in other texts.
    ['budget', 'Budget'],
    ['budget spent', 'Budget spent'],
    ['spent budget', 'Budget spent'],
    ['monsoon', 'Monsoon launch'],
    ['MONSOON', 'Monsoon launch'],
    ['commuters mumbai', 'Monsoon launch'],
    ['students', 'Budget'],
    ['vertical formats', 'Customers prefer short videos'],
    ['weekly figures', 'Reach fell by 40 %'],
    ['hashtags', 'trend-scout'],
    ['#raindance', 'Hashtag #raindance goes viral'],
    ['hero banner', 'hero-banner_v2.png'],
    ['less waste', 'Premium but friendly'],
    // Beginnings of words.
    ['conv', 'Conversion rate is back to normal'],
    ['prof you', 'Young professionals'],
    ['bu sp', 'Budget spent'],
    // Typing errors: a missing letter, an additional one, a wrong one, two exchanged.
    ['monson', 'Monsoon launch'],
    ['sumer sale', 'Summer sale'],
    ['campetitor', 'Competitor opens a store'],
    ['converssion', 'Conversion rate is back to normal'],
    ['teahcers', 'Retired teachers'],
    ['bugdet', 'Budget'],
    ['premuim freindly', 'Premium but friendly'],
    // Accents in the row or in the search text.
    ['cafe zurich', 'Café culture in Zürich'],
    ['grossere', 'Café culture in Zürich'],
    ['búdget', 'Budget'],
    // Other scripts, also with typing errors.
    ['летняя', 'Летняя кампания'],
    ['КАМПАНИЯ лет', 'Летняя кампания'],
    ['летняя компания', 'Летняя кампания'],
    ['市场', '夏季促销活动'],
    ['促销', '夏季促销活动'],
    ['अभियान', 'ग्रीष्मकालीन अभियान'],
    ['حملة', 'حملة الصيف'],
    ['καλοκαιρινη', 'Καλοκαιρινή προσφορά'],
  ])('of "%s" is "%s"', async (text, title) => {
    expect(titles(await find(text))[0]).toBe(title);
  });
});

describe('the result of a search', () => {
  it('has totals by type, and says if words were treated as misspelt', async () => {
    const found = await find('monsoon', { first: 1 });
    expect(found).toMatchObject({ totalCount: 3, isApproximate: false });
    expect(found.totals.filter(({ totalCount }: Data) => totalCount > 0)).toEqual([
      { type: 'CAMPAIGN', totalCount: 1 },
      { type: 'ASSET', totalCount: 2 },
    ]);
    expect(found.totals).toHaveLength(9);
    expect(await find('monson')).toMatchObject({ totalCount: 1, isApproximate: true });
  });

  it('is empty if one of the words is missing', async () => {
    expect(await find('monsoon zzz')).toMatchObject({ totalCount: 0, edges: [], nodes: [] });
    expect(await find('xylophone')).toMatchObject({ totalCount: 0, isApproximate: false });
  });

  it('has only rows of the requested types', async () => {
    expect(titles(await find('monsoon', { types: ['CAMPAIGN'] }))).toEqual(['Monsoon launch']);
    expect((await find('monsoon', { types: ['CAMPAIGN', 'CAMPAIGN'] })).totals).toEqual([
      { type: 'CAMPAIGN', totalCount: 1 },
    ]);
    expect(await find('monsoon', { types: [] })).toMatchObject({ totalCount: 0, totals: [] });
  });

  it('has marked snippets of each text, in a long text around the first match', async () => {
    const [edge] = (await find('monsoon', { types: ['CAMPAIGN'] })).edges;
    expect(edge.snippets).toEqual([
      {
        field: 'name',
        parts: [
          { text: 'Monsoon', isMatch: true },
          { text: ' launch', isMatch: false },
        ],
      },
    ]);
    const [chinese] = (await find('市场')).edges;
    expect(chinese.snippets.at(-1)).toEqual({
      field: 'description',
      parts: [
        { text: '提高中国', isMatch: false },
        { text: '市场', isMatch: true },
        { text: '的品牌知名度', isMatch: false },
      ],
    });
    const [listed] = (await find('billb', { types: ['ASSET'] })).edges;
    expect(listed.snippets.at(-1)).toEqual({
      field: 'tags',
      parts: [{ text: 'billboard', isMatch: true }],
    });
    const [slip] = (await find('teahcers')).edges;
    expect(slip.snippets[0].parts).toContainEqual({ text: 'teachers', isMatch: true });
  });

  it('has pages with each row once, the best first', async () => {
    await insertSearched(
      database,
      ours,
      Array.from({ length: 7 }, (_, n) => [
        'positioning',
        `Pageable ${n}`,
        { market_segment: 'x' },
      ]),
    );
    const all = await find('pageable', { first: 100 });
    const paged: Data[] = [];
    for (let after: string | null = null; ; ) {
      const { edges, pageInfo } = await find('pageable', { first: 3, after });
      paged.push(...edges);
      expect(pageInfo.hasPreviousPage).toBe(after !== null);
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(paged).toEqual(all.edges);
    expect(paged.map(({ node }) => node.title)).toHaveLength(7);
    expect(await find('pageable', { first: 0 })).toMatchObject({ totalCount: 7, edges: [] });
  });

  it('takes one statement for the search and one for each type, for any number of rows', async () => {
    const statements = async (first: number) => {
      api.statements();
      const { edges } = await find('pageable', { first, types: ['POSITIONING', 'CAMPAIGN'] });
      expect(edges).toHaveLength(first);
      return api.statements().length;
    };
    const one = await statements(1);
    expect(await statements(7)).toBe(one);
    api.statements();
    await viewer.data('{ search(text: "pageable") { totalCount nodes { __typename } } }');
    expect(api.statements().filter((sql) => sql.includes('gateway.search'))).toHaveLength(1);
  });
});

describe('the rows that a search finds', () => {
  it('are found by every member and agent of the workspace, and by no one else', async () => {
    const { edges } = await find('monsoon');
    await insert(database, 'agent_assignments', {
      workspace_id: ours.workspaceId,
      agent_id: (await database.query<{ id: string }>('select id from agent_registry'))[0]?.id,
    });
    const owner = await api.as(ours.people.Owner, ours.workspaceId);
    const agent = await api.asAgent('trend-scout', ['alerts:read'], ours.workspaceId);
    for (const client of [owner, agent])
      expect((await find('monsoon', {}, client)).edges).toEqual(edges);
    const stranger = await api.as(theirs.people.Owner, theirs.workspaceId);
    expect(await find('monsoon', {}, stranger)).toMatchObject({ totalCount: 0, edges: [] });
    const outsider = await api.as(theirs.people.Owner, ours.workspaceId);
    expect((await outsider.ask(SEARCH, { text: 'monsoon' })).errors?.[0]?.extensions.code).toBe(
      'FORBIDDEN',
    );
  });

  it("do not depend on other workspaces' rows, nor do scores and totals", async () => {
    const texts = ['budget', 'bu', 'monson', 'commuters', 'pageable'];
    const before = await Promise.all(texts.map((text) => find(text)));
    await insertSearched(database, theirs, ROWS);
    await insertSearched(
      database,
      theirs,
      Array.from({ length: 40 }, () => ['campaigns', 'Monson bugdet pageable commuters']),
    );
    expect(await Promise.all(texts.map((text) => find(text)))).toEqual(before);
  });

  it('are not found by columns that the viewer may not read', async () => {
    expect(await find('zebrafinch')).toMatchObject({ totalCount: 0 });
    const owner = await api.as(ours.people.Owner, ours.workspaceId);
    expect(await find('zebrafinch', {}, owner)).toMatchObject({ totalCount: 0 });
  });

  it('require a workspace', async () => {
    const answer = await (await api.asAgent('unknown', ['*:read'])).ask(SEARCH, { text: 'budget' });
    expect(answer.errors?.[0]?.extensions.code).toBe('WORKSPACE_REQUIRED');
  });
});

describe('an invalid search is refused, and the error names the argument', () => {
  it.each([
    ['one letter', { text: 'a' }, 'text', 'two letters'],
    ['a space', { text: ' ' }, 'text', 'two letters'],
    ['a percent sign', { text: '%' }, 'text', 'two letters'],
    ['operators', { text: '&|!' }, 'text', 'two letters'],
    ['10,000 letters', { text: 'a'.repeat(10_000) }, 'text', '200 characters'],
    ['U+0000', { text: 'ab\0cd' }, 'text', 'U+0000'],
    ['a negative page', { text: 'budget', first: -1 }, 'first', 'between 0 and 100'],
    ['a large page', { text: 'budget', first: 101 }, 'first', 'between 0 and 100'],
    ['an invalid cursor', { text: 'budget', after: 'x' }, 'after', 'not a cursor'],
    [
      'a cursor with an impossible position',
      {
        text: 'budget',
        after: Buffer.from('["search: budget",1,2,"CAMPAIGN","x"]').toString('base64url'),
      },
      'after',
      'not a cursor',
    ],
  ])('%s', async (_, variables, argument, message) => {
    const [error] = (await viewer.ask(SEARCH, variables)).errors ?? [];
    expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
    expect(error?.message).toContain(message);
  });

  it('a cursor of another text', async () => {
    const { pageInfo } = await find('budget', { first: 1 });
    const { errors } = await viewer.ask(SEARCH, { text: 'monsoon', after: pageInfo.endCursor });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'after' });
  });

  it.each([
    '100% budget',
    'budget & !spent |',
    `bud'get`,
    'budget:*',
    '"budget" \\ (',
    'budget <-> spent',
    '_budget_',
    '🙂 budget',
    'budget 🙂',
  ])('punctuation beside words is accepted: %s', async (text) => {
    const { errors } = await viewer.ask(SEARCH, { text });
    expect(errors).toBeUndefined();
  });
});
