import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../../src/schema/index.ts';
import { functions } from '../../src/schema/model/function-mutation.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { attempt, perform } from '../support/mutations.ts';
import { createTenant, type Role, type Tenant } from '../support/tenant.ts';
import { FUNCTION_CALLS, type FunctionCall, type Ids, plant, quoted } from './function-calls.ts';

let database: TestDatabase;
let api: Api;
let ours: Tenant;
let ids: Ids;
let theirIds: Ids;
let clients: Record<Role, Client>;

beforeAll(async () => {
  database = await createTestDatabase();
  ours = await createTenant(database);
  const theirs = await createTenant(database);
  [ids, theirIds] = [await plant(database, ours), await plant(database, theirs)];
  api = await openApi(database);
  clients = Object.fromEntries(
    await Promise.all(
      Object.entries(ours.people).map(async ([role, userId]) => [
        role,
        await api.as(userId, ours.workspaceId),
      ]),
    ),
  ) as typeof clients;
});

afterAll(async () => {
  await api?.close();
  await database?.close();
});

const ROLES: readonly Role[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];

async function rehearse(name: string, rows: Ids, role: Role) {
  const { call, selection } = FUNCTION_CALLS[name] as FunctionCall;
  const payload = await attempt(
    clients[role],
    `${name}(${[call(rows, role, ids), 'dryRun: true'].filter(Boolean).join(', ')})`,
    selection ?? '{ id }',
  );
  return payload.results ? payload.results[0] : payload;
}

it('every function has a case', () => {
  expect(Object.keys(FUNCTION_CALLS).sort()).toEqual(functions.map(({ name }) => name).sort());
});

describe('a function needs its role, also in a dry run', () => {
  it.each(Object.keys(FUNCTION_CALLS))('%s', async (name) => {
    const logged = () => database.query('select max(id) from gateway.audit_log');
    const before = await logged();
    const { least } = FUNCTION_CALLS[name] as FunctionCall;
    for (const role of ROLES) {
      const { errors, id } = await rehearse(name, ids, role);
      if (ROLES.indexOf(role) <= ROLES.indexOf(least)) {
        expect(errors, role).toEqual([]);
        if (name !== 'markAllNotificationsRead') expect(id).toEqual(expect.any(String));
      } else {
        expect(errors, role).toMatchObject([{ __typename: 'ForbiddenError', path: [] }]);
      }
      const { viewer } = await clients[role].data('{ viewer { permissions { functions } } }');
      const offered = viewer.permissions.flatMap((each: { functions: string[] }) => each.functions);
      // Everybody may leave.
      const shown = name === 'removeMember' || errors.length === 0;
      expect(offered.includes(name), role).toBe(shown);
    }
    expect(await logged()).toEqual(before);
  });
});

describe('for a function, rows of another workspace do not exist', () => {
  it.each(Object.entries(FUNCTION_CALLS).filter(([, { about }]) => about))(
    '%s',
    async (name, { about }) => {
      const { errors, id } = await rehearse(name, theirIds, 'Owner');
      expect(id).toBeNull();
      expect(errors).toMatchObject([
        { __typename: expect.stringMatching(/^(NotFound|Validation)Error$/), path: [about] },
      ]);
      // The error is the same as for a missing row.
      const nowhere = Object.fromEntries(
        Object.entries(theirIds).map(([key, value]) => [
          key,
          typeof value === 'string' ? randomUUID() : { Owner: randomUUID() },
        ]),
      ) as unknown as Ids;
      expect((await rehearse(name, nowhere, 'Owner')).errors).toEqual(errors);
    },
  );
});

describe('a refusal names the argument', () => {
  it.each([
    ['a text of no words', 'raiseAlert(title: " ", type: ERROR, severity: LOW)', ['title']],
    ['a text that is too long', `createWorkspace(name: "${'x'.repeat(201)}")`, ['name']],
    ['a text that cannot be stored', 'createWorkspace(name: "a\\u0000b")', ['name']],
    ['an invalid address', 'inviteWorkspaceMember(email: "nobody")', ['email']],
    [
      'a negative number',
      'recordAgentExecution(agentId: $agent, seconds: -1, inputTokens: 1, outputTokens: 1, cost: 0, success: true)',
      ['seconds'],
    ],
    [
      'a severity out of range',
      'raiseAnomaly(moveId: $move, type: DRIFT, severity: 6)',
      ['severity'],
    ],
    ['an unknown variant', 'decideExperiment(id: $experiment, winner: "c")', ['winner']],
    [
      'no signals',
      'createInsightFromSignals(signalIds: [], title: "T", type: TREND)',
      ['signalIds'],
    ],
    ['no cohorts', 'linkCohorts(campaignId: $campaign, cohorts: [])', ['cohorts']],
  ])('%s', async (_, call, path) => {
    const filled = call.replace(/\$(\w+)/g, (_all, name) => quoted(ids[name as 'move']));
    const selection = call.startsWith('link') ? '{ results { id } }' : '{ id }';
    const payload = await attempt(clients.Owner, filled, selection);
    const { errors } = payload.results?.[0] ?? payload;
    expect(errors).toMatchObject([{ path, message: expect.stringMatching(/^[A-Z0-9].*\.$/) }]);
  });
});

describe('members', () => {
  it('members can leave, the last Owner cannot, and a workspace can be handed over', async () => {
    const people = await createTenant(database);
    const owner = await api.as(people.people.Owner, people.workspaceId);
    const change = (userId: string, role: string) =>
      attempt(owner, `changeMemberRole(userId: ${quoted(userId)}, role: ${role})`, '{ id }');
    expect((await change(people.people.Owner, 'VIEWER')).errors).toMatchObject([
      {
        __typename: 'InvalidTransitionError',
        path: ['role'],
        message: 'The workspace would be left without an Owner.',
      },
    ]);
    const leave = (client: Client, userId: string) =>
      attempt(
        client,
        `removeMember(userId: ${quoted(userId)})`,
        '{ id workspaceMember { userId role } }',
      );
    expect((await leave(owner, people.people.Owner)).errors).toMatchObject([
      { __typename: 'InvalidTransitionError' },
    ]);
    const viewer = await api.as(people.people.Viewer, people.workspaceId);
    expect((await leave(viewer, people.people.Analyst)).errors).toMatchObject([
      { __typename: 'ForbiddenError' },
    ]);
    expect(await leave(viewer, people.people.Viewer)).toMatchObject({
      id: expect.any(String),
      workspaceMember: { userId: people.people.Viewer, role: 'VIEWER' },
      errors: [],
    });
    expect((await viewer.ask('{ viewer { id } }')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await change(people.people.Analyst, 'OWNER')).errors).toEqual([]);
    expect((await leave(owner, people.people.Owner)).errors).toEqual([]);
  });

  it('a person without a workspace can create one, once for an idempotency key', async () => {
    const userId = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [userId]);
    const person = await api.as(userId);
    const make =
      'mutation { createWorkspace(name: "First", slug: "first") { workspace { id name slug } errors { message } } }';
    const answers = [await person.ask(make, {}, 'a key'), await person.ask(make, {}, 'a key')];
    expect(answers[0]?.text).toBe(answers[1]?.text);
    const { viewer } = await person.data(
      '{ viewer { role memberships { role } workspace { slug } } }',
    );
    expect(viewer).toEqual({
      role: 'OWNER',
      memberships: [{ role: 'OWNER' }],
      workspace: { slug: 'first' },
    });
  });
});

describe('values reach the database unchanged', () => {
  it('dates, times, decimals, lists, JSON and defaults', async () => {
    const { moveLog } = await perform(
      clients.Owner,
      `logMove(moveId: ${quoted(ids.move)}, date: "2024-02-29", metrics: [1, { a: null }])`,
      '{ moveLog { date actionsCompleted notes metricsSnapshot } }',
    );
    expect(moveLog).toEqual({
      date: '2024-02-29',
      actionsCompleted: 0,
      notes: null,
      metricsSnapshot: [1, { a: null }],
    });
    const { intelligenceSignal } = await perform(
      clients.Owner,
      `recordSignal(title: "T", source: TREND, category: MARKET_TREND, confidence: "12.34", relevance: null,
        keyFindings: ["a,b", "{c}", "\\"d\\""], dataPoints: "text", signalDate: "2026-01-02T03:04:05.678Z",
        campaignIds: [${quoted(ids.campaign)}])`,
      `{ intelligenceSignal { confidenceScore relevanceScore keyFindings dataPoints signalDate relatedCampaignIds } }`,
    );
    expect(intelligenceSignal).toEqual({
      confidenceScore: '12.34',
      relevanceScore: null,
      keyFindings: ['a,b', '{c}', '"d"'],
      dataPoints: 'text',
      signalDate: '2026-01-02T03:04:05.678Z',
      relatedCampaignIds: [ids.campaign],
    });
  });
});

it('a function takes one call and one look-up of its row', async () => {
  const [{ id }, { id: other }] = await Promise.all(
    [1, 2].map(() =>
      perform(clients.Owner, 'raiseAlert(title: "T", type: ERROR, severity: LOW)', '{ id }'),
    ),
  );
  api.statements();
  await perform(clients.Owner, `acknowledgeAlert(id: ${quoted(id)})`, '{ systemAlert { status } }');
  // First the caller's memberships; BEGIN and settings are sent with the call.
  const statements = api.statements();
  expect(statements.filter((sql) => !/^(COMMIT|BEGIN)/.test(sql))).toHaveLength(3);
  expect(other).not.toBe(id);
});
