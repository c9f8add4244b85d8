import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Client } from '../support/api.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import {
  api,
  CREATE,
  codesOf,
  database,
  FIRST,
  INLINE,
  inline,
  type Request,
  reordered,
  send,
  setUp,
  tenant,
  VARIABLES,
} from './idempotency-meaning-world.ts';

setUp();

describe('a repeated request', () => {
  it.each<[string, Request, Request]>([
    ['variables in another order', FIRST, [CREATE, reordered(VARIABLES) as object]],
    ['variables that it does not declare', FIRST, [CREATE, { ...VARIABLES, more: [1] }]],
    [
      'another layout, and comments',
      FIRST,
      [`# Creates\n${CREATE.replaceAll('\n', '\r\n  ,')} # a campaign`, VARIABLES],
    ],
    ['another name', FIRST, [CREATE.replace('Create(', 'Another('), VARIABLES]],
    [
      'variables declared in another order',
      FIRST,
      [
        CREATE.replace(
          '$input: CampaignCreateInput!, $dryRun: Boolean',
          '$dryRun: Boolean, $input: CampaignCreateInput!',
        ),
        VARIABLES,
      ],
    ],
    [
      'another operation that is not executed',
      [`${CREATE} query Other { viewer { id } }`, VARIABLES, 'Create'],
      [`query Another { viewer { email } } ${CREATE}`, VARIABLES, 'Create'],
    ],
    [
      'arguments and fields of inputs in another order',
      INLINE,
      [inline('dryRun: false, input: { description: """a b""", name: "Inline" }')],
    ],
  ])('may have %s', async (_, first, again) => {
    const key = randomUUID();
    const answer = await send(first, key);
    expect(JSON.parse(answer).data.createCampaign.errors).toEqual([]);
    expect(await send(again, key)).toBe(answer);
  });

  it.each<[string, Request, Request]>([
    [
      'another value',
      FIRST,
      [CREATE, { ...VARIABLES, input: { ...VARIABLES.input, name: 'Twice' } }],
    ],
    [
      'a list in another order',
      FIRST,
      [
        CREATE,
        {
          ...VARIABLES,
          input: { ...VARIABLES.input, quests: [...VARIABLES.input.quests].reverse() },
        },
      ],
    ],
    [
      'null for what was left out',
      FIRST,
      [CREATE, { ...VARIABLES, input: { ...VARIABLES.input, objective: null } }],
    ],
    [
      'another text',
      INLINE,
      [inline('input: { name: "Inline", description: "a  b" }, dryRun: false')],
    ],
    [
      'fields of the answer in another order',
      FIRST,
      [
        CREATE.replace('resourceAllocation description', 'description resourceAllocation'),
        VARIABLES,
      ],
    ],
  ])('cannot have %s', async (_, first, other) => {
    const key = randomUUID();
    expect(JSON.parse(await send(first, key)).errors).toBeUndefined();
    expect(codesOf(JSON.parse(await send(other, key)))).toEqual(['IDEMPOTENCY_MISMATCH']);
  });
});

describe('a request that names no workspace', () => {
  const CREATE_IN = `mutation { createCampaign(input: { name: "Somewhere" }) { id errors { message } } }`;
  const CREATE_WORKSPACE = 'mutation { createWorkspace(name: "New") { id errors { message } } }';

  const join = (person: string, { workspaceId }: Pick<Tenant, 'workspaceId'>) =>
    database.query(
      "insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Owner')",
      [person, workspaceId],
    );
  const leave = (person: string, { workspaceId }: Tenant) =>
    database.query('delete from user_workspaces where user_id = $1 and workspace_id = $2', [
      person,
      workspaceId,
    ]);
  /** A person in these workspaces who names none. */
  async function person(...places: Tenant[]) {
    const id = await insert(database, 'auth.users', { id: randomUUID() });
    for (const place of places) await join(id, place);
    return { id, client: await api.as(id) };
  }

  it('is the same as one that names the workspace in which it runs', async () => {
    const { id, client: unnamed } = await person(tenant);
    const named = await api.as(id, tenant.workspaceId);
    for (const [first, second] of [
      [unnamed, named],
      [named, unnamed],
    ] as [Client, Client][]) {
      const key = randomUUID();
      const { text } = await first.ask(CREATE_IN, {}, key);
      expect((await second.ask(CREATE_IN, {}, key)).text).toBe(text);
    }
  });

  it('is another request once it runs in another workspace', async () => {
    const [here, there] = [await createTenant(database), await createTenant(database)];
    const { id, client: mover } = await person(here);
    const key = randomUUID();
    expect((await mover.ask(CREATE_IN, {}, key)).errors).toBeUndefined();
    await leave(id, here);
    await join(id, there);
    expect(codesOf(await mover.ask(CREATE_IN, {}, key))).toEqual(['IDEMPOTENCY_MISMATCH']);
    expect(
      await database.query('select from campaigns where workspace_id = $1', [there.workspaceId]),
    ).toEqual([]);
  });

  it('is the same after its sender has become a member of another one', async () => {
    const here = await createTenant(database);
    const { id, client: guest } = await person(here);
    const key = randomUUID();
    const { text } = await guest.ask(CREATE_IN, {}, key);
    await join(id, await createTenant(database));
    expect((await guest.ask(CREATE_IN, {}, key)).text).toBe(text);
    const named = await api.as(id, here.workspaceId);
    expect((await named.ask(CREATE_IN, {}, key)).text).toBe(text);
  });

  it.each([0, 1, 2])('creates a workspace once, for a person in %i workspaces', async (count) => {
    const places = await Promise.all(Array.from({ length: count }, () => createTenant(database)));
    const { client: founder } = await person(...places);
    const key = randomUUID();
    const { text } = await founder.ask(CREATE_WORKSPACE, {}, key);
    for (let i = 0; i < 2; i += 1) {
      expect((await founder.ask(CREATE_WORKSPACE, {}, key)).text).toBe(text);
    }
    const { viewer } = await founder.data('{ viewer { memberships { workspaceId } } }');
    expect(viewer.memberships).toHaveLength(count + 1);
  });
});
