import { type GraphQLField, getNamedType, isLeafType, isObjectType, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContext } from '../../../src/context/context.ts';
import { createDatabase, type Database } from '../../../src/context/database/client.ts';
import { catalog } from '../../../src/generated/catalog.ts';
import { schema } from '../../../src/schema/index.ts';
import { type Audience, audienceOf } from '../../../src/subscriptions/group-audience.ts';
import { executeLiveQuery } from '../../../src/subscriptions/group-execution.ts';
import { createAnalyzer } from '../../../src/subscriptions/operation-analysis.ts';
import { cases, named } from '../../contract/cases.ts';
import { createWorld, type World } from '../../contract/world.ts';
import { seal } from '../../support/seal.ts';

const analysisOf = createAnalyzer(schema);
const models = cases.map(({ name }) => name);

function planned(text: string, variables: Record<string, unknown> = {}) {
  const document = parse(text);
  const [operation] = document.definitions;
  if (operation?.kind !== 'OperationDefinition') throw new TypeError('No operation comes first');
  const analysis = analysisOf(document, operation);
  const reads = analysis.reads(variables);
  return {
    isPersonal: analysis.isPersonal(variables),
    read: models.filter((model) => reads.includes(model)).sort(),
    memberships: reads.memberships,
  };
}

const PAGE = '{ totalCount pageInfo { hasNextPage } nodes { __typename nodeId } edges { cursor } }';

describe('the tables that a query reads', () => {
  it.each(named(cases))('%s: only its own table', (name, { root, lookup, columns }) => {
    const fields = columns.map(([column]) => column).join(' ');
    expect(planned(`{ ${root} ${PAGE} }`).read).toEqual([name]);
    const id = getNamedType(schema.getQueryType()?.getFields()[lookup]?.args[0]?.type)?.name;
    expect(planned(`query ($id: ${id}!) { ${lookup}(id: $id) { ${fields} } }`).read).toEqual([
      name,
    ]);
  });

  it.each(named(cases))('%s: the tables of its aggregate', (name, { root, one, columns }) => {
    const aggregate = `${root}Aggregate`;
    const [column] = columns[0] ?? [];
    expect(
      planned(`{ ${aggregate}(groupBy: [{ ${column}: {} }]) {
        totalGroups groups { key { ${column} } count values { __typename } distinct { ${column} } previous { isTotal } }
      } }`).read,
    ).toEqual([name]);
    for (const [relation, { to }] of one.filter(([, each]) => each.columns.length > 0)) {
      const both = [...new Set([name, to])].sort();
      const byRelation = `groupBy: [{ ${relation}: { id: {} } }]`;
      expect(planned(`{ ${aggregate}(${byRelation}) { totalGroups } }`).read).toEqual(both);
    }
  });

  it.each(named(cases))('%s: the tables of its relations and links', (name, shown) => {
    const { root, one, many, links, people } = shown;
    const types = schema.getType(name);
    if (!isObjectType(types)) throw new TypeError(`${name} is no type`);
    const at = (selection: string) => planned(`{ ${root} { nodes { ${selection} } } }`).read;
    for (const [relation, { to }] of one) {
      expect(at(`${relation} { nodeId }`), relation).toEqual([...new Set([name, to])].sort());
    }
    for (const [relation, { to }] of many) {
      const both = [...new Set([name, to])].sort();
      expect(at(`${relation} { totalCount }`), relation).toEqual(both);
      expect(at(`${relation}Aggregate { totalGroups groups { count } }`), relation).toEqual(both);
    }
    for (const [link, { to }] of links) {
      expect(at(`${link} { nodeId }`), link).toEqual([...new Set([name, to])].sort());
    }
    for (const [person] of people) {
      expect(at(`${person} { nodeId }`)).toEqual([...new Set([name, 'UserProfile'])].sort());
    }
    // Any other field may read all tables.
    const known = [
      ...[...one, ...many, ...links, ...people, ...shown.columns].map(([field]) => field),
      ...many.map(([field]) => `${field}Aggregate`),
    ];
    for (const field of Object.values(types.getFields())) {
      if (known.includes(field.name) || ['nodeId', 'allowedTransitions'].includes(field.name)) {
        continue;
      }
      expect(at(selectionOf(field)), field.name).toEqual([...models].sort());
    }
  });

  it.each([
    [
      '{ cohorts(filter: { campaignLinks: { some: { campaign: { name: { equals: "A" } } } } }) { totalCount } }',
      {},
    ],
    [
      'query ($f: CohortFilter) { cohorts(filter: $f) { totalCount } }',
      { f: { campaignLinks: { some: {} } } },
    ],
    [
      'query ($f: CampaignCohortFilter) { cohorts(filter: { campaignLinks: { some: $f } }) { totalCount } }',
      { f: {} },
    ],
    [
      'query ($f: [CohortFilter!]) { cohorts(filter: { or: $f }) { totalCount } }',
      { f: [{}, { not: { campaignLinks: { none: {} } } }] },
    ],
    [
      'query { ...Of } fragment Of on Query { cohorts { nodes { ... on Cohort { campaignLinks { totalCount } } } } }',
      {},
    ],
  ])('in filters and fragments: %s', (text, variables) => {
    expect(planned(text, variables).read).toEqual(
      expect.arrayContaining(['CampaignCohort', 'Cohort']),
    );
    expect(planned(text, variables).read.length).toBeLessThan(5);
  });

  it('are all tables for a row of any type, and none for the schema', () => {
    expect(planned('{ node(nodeId: "x") { nodeId } }').read).toHaveLength(models.length);
    expect(planned('{ search(text: "x") { totalCount } }').read).toHaveLength(models.length);
    expect(planned('{ viewer { role } }').read).toHaveLength(models.length);
    expect(planned('{ __typename __schema { types { name } } }').read).toEqual([]);
    expect(planned('{ viewer { ... on Viewer { memberships { role } } } }').memberships).toBe(true);
    expect(planned('{ viewer { role } }').memberships).toBe(false);
  });
});

describe('the tables that the database reads', () => {
  let world: World;
  let database: Database;
  beforeAll(async () => {
    world = await createWorld(3);
    database = createDatabase({ connectionString: world.database.gatewayUrl, maxConnections: 3 });
  });
  afterAll(async () => {
    await database?.close();
    await world?.close();
  });

  const tables = cases.map(({ table }) => table);
  const mentioned = (sql: string) =>
    tables.filter((table) => new RegExp(`\\b${table}\\b`).test(sql));

  it('in a policy are only its own table', async () => {
    const policies = await world.database.query<{ table: string; condition: string }>(
      `select tablename as table, qual as condition from pg_policies
       where schemaname = 'public' and cmd in ('SELECT', 'ALL')`,
    );
    // Memberships decide which profiles are visible. Their changes are logged as changes of profiles.
    const known = { user_profiles: ['user_workspaces'] } as Record<string, string[]>;
    for (const { table, condition } of policies.filter((each) => tables.includes(each.table))) {
      const others = mentioned(condition).filter((other) => other !== table);
      expect(others, table).toEqual(known[table] ?? []);
    }
  });

  it('in a function that returns a list are only the table of its rows', async () => {
    const functions = await world.database.query<{ name: string; table: string; body: string }>(
      `select p.proname as name, t.typname as table, p.prosrc as body
       from pg_proc as p join pg_type as t on t.oid = p.prorettype
       where p.pronamespace = 'public'::regnamespace and p.proretset and t.typtype = 'c'
         and p.provolatile <> 'v'`,
    );
    expect(functions.length).toBeGreaterThanOrEqual(4);
    for (const { name, table, body } of functions) expect(mentioned(body), name).toEqual([table]);
  });

  const contextOf = (userId: string) =>
    createContext({
      requestId: 'test',
      identity: { kind: 'person', id: userId, expiresAt: new Date(Date.now() + 600_000) },
      workspaceHeader: world.ours.workspaceId,
      idempotencyHeader: null,
      database,
      seal,
    });

  it('have the same rows for all members with one role, unless the query is personal', async () => {
    const { query } = world.database;
    await query(`update user_workspaces set role = 'Owner' where workspace_id = $1`, [
      world.ours.workspaceId,
    ]);
    // One of them is also a member of another workspace.
    await query(
      `insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Viewer')`,
      [world.ours.ownerId, world.theirs.workspaceId],
    );
    const members = await query<{ id: string }>(
      'select user_id::text as id from user_workspaces where workspace_id = $1',
      [world.ours.workspaceId],
    );
    const contexts = await Promise.all(members.map(({ id }) => contextOf(id)));
    const personal: string[] = [];
    const tested: string[] = [];
    const executor = {
      schema,
      database,
      seal,
      cursorAfter: () => '',
      maskError: (error: unknown) => error as never,
    };
    for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
      const row = world.ours.rows.get(tableOf(field))?.[0];
      const isNamed = field.args.some(({ name }) => name === 'id');
      if (isNamed && !row) continue;
      const isSearch = field.args.some(({ name }) => name === 'text');
      const given = isNamed ? `(id: "${row?.id}")` : isSearch ? '(text: "title")' : '';
      const text = `{ ${selectionOf(field, given)} }`;
      if (/nodeIds?:/.test(field.args.map(({ name }) => `${name}:`).join())) {
        expect(
          planned(`{ ${field.name}(${field.args[0]?.name}: "x") { nodeId } }`).isPersonal,
        ).toBe(true);
        continue;
      }
      tested.push(field.name);
      const { isPersonal } = planned(text);
      const answer = async (audience: Audience) => {
        const { data, errors } = await executeLiveQuery(executor, audience, {
          document: parse(text),
          operationName: undefined,
          variableValues: {},
        });
        expect(errors, text).toBeUndefined();
        return JSON.stringify(data);
      };
      const own = await Promise.all(contexts.map((context) => answer(audienceOf(context, true))));
      if (isPersonal) personal.push(field.name);
      else {
        expect(
          new Set([...own, await answer(audienceOf(contexts[0] as never, false))]).size,
          text,
        ).toBe(1);
      }
    }
    expect(tested.length).toBeGreaterThan(100);
    expect(personal.sort()).toEqual(
      [
        'onboardingResponse',
        'onboardingResponses',
        'onboardingResponsesAggregate',
        'planSubscription',
        'planSubscriptions',
        'planSubscriptionsAggregate',
        'unreadNotifications',
        'userAchievement',
        'userAchievements',
        'userAchievementsAggregate',
        'userNotification',
        'userNotifications',
        'userNotificationsAggregate',
        'viewer',
        'workspace',
        'workspaces',
        'workspacesAggregate',
      ].filter((name) => tested.includes(name)),
    );
  });
});

function tableOf({ type }: GraphQLField<unknown, unknown>): string {
  return catalog.models[getNamedType(type).name]?.table ?? '';
}

/** A field with its own leaf fields. */
function selectionOf({ name, type }: GraphQLField<unknown, unknown>, args = ''): string {
  const to = getNamedType(type);
  if (isLeafType(to)) return `${name}${args}`;
  if (!isObjectType(to)) return `${name}${args} { __typename }`;
  const fields = Object.values(to.getFields());
  const nodes = fields.find((field) => field.name === 'nodes');
  if (nodes) return `${name}${args} { ${selectionOf(nodes)} }`;
  const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
  return `${name}${args} { ${leaves.map((leaf) => leaf.name).join(' ')} }`;
}
