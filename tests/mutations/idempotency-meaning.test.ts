import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../server/support/gateway.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: Api;
let tenant: Tenant;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openApi(database);
  client = await api.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions.code);

const CREATE = `mutation Create($input: CampaignCreateInput!, $dryRun: Boolean) {
  createCampaign(input: $input, dryRun: $dryRun) {
    id campaign { resourceAllocation description } errors { message }
  }
}`;
const VARIABLES = {
  input: {
    name: 'Once',
    description: 'a\nb',
    quests: [{ name: 'one', objective: 'x' }, { name: 'two' }],
    resourceAllocation: { film: { days: 2, people: [1, { a: 1, b: 2 }] }, print: 1.5 },
  },
  dryRun: false,
};

/** The same value with the keys of all objects in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, each]) => [key, reordered(each)]),
  );
}

const inline = (fields: string) =>
  `mutation { createCampaign(${fields}) { id campaign { name } errors { message } } }`;

type Request = [query: string, variables?: object, operationName?: string];

/** Sends a request as the Owner, and returns the text of the answer. */
async function send([query, variables, operationName]: Request, key: string): Promise<string> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ query, variables, operationName }),
  });
  return response.text();
}
const FIRST: Request = [CREATE, VARIABLES];
const INLINE: Request = [inline('input: { name: "Inline", description: "a b" }, dryRun: false')];

describe('the same request', () => {
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
      'an operation beside it that is not executed',
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
  ])('does not have %s', async (_, first, other) => {
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
  /** Somebody who is in these workspaces, and names none. */
  async function person(...places: Tenant[]) {
    const id = await insert(database, 'auth.users', { id: randomUUID() });
    for (const place of places) await join(id, place);
    return { id, client: await api.as(id) };
  }

  it('is the same as one that names the workspace it is in', async () => {
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

  it('is another one once it is in another workspace', async () => {
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

  it('is the same once somebody has made its sender a member of another one', async () => {
    const here = await createTenant(database);
    const { id, client: guest } = await person(here);
    const key = randomUUID();
    const { text } = await guest.ask(CREATE_IN, {}, key);
    await join(id, await createTenant(database));
    expect((await guest.ask(CREATE_IN, {}, key)).text).toBe(text);
    const named = await api.as(id, here.workspaceId);
    expect((await named.ask(CREATE_IN, {}, key)).text).toBe(text);
  });

  it.each([0, 1, 2])('creates a workspace once, for somebody who is in %i', async (count) => {
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

describe('what is kept for keys', () => {
  const HOUR = 60;
  /** Gives the Owner so many keys of this age and size, besides those that there are. */
  const fill = (count: number, minutesOld: number, bytes = 0) =>
    database.query(
      `insert into gateway.idempotency_key (person, key, request_hash, outcome, created_at)
       select $1, gen_random_uuid(), sha256('x'), jsonb_build_object('a', repeat('x', $4)), now() - make_interval(mins => $3)
       from generate_series(1, $2)`,
      [tenant.people.Owner, count, minutesOld, bytes],
    );
  const kept = async () => {
    const [row] = await database.query<{ keys: number; bytes: number }>(
      'select count(*)::int as keys, coalesce(sum(size), 0)::int as bytes from gateway.idempotency_key where person = $1',
      [tenant.people.Owner],
    );
    return row ?? { keys: 0, bytes: 0 };
  };
  const forget = () =>
    database.query('delete from gateway.idempotency_key where person = $1', [tenant.people.Owner]);
  const rename = (name: string) =>
    client.ask(inline(`input: { name: "${name}" }`), {}, randomUUID());
  const named = (name: string) =>
    database.query('select id from campaigns where name = $1', [name]);

  it('is an answer of a bounded size: a larger one is refused, with its write', async () => {
    const key = randomUUID();
    const description = 'é"'.repeat(180_000);
    const query = `mutation ($name: String!, $description: String!) {
      createCampaign(input: { name: $name, description: $description }) { campaign { description } }
    }`;
    const answer = await client.ask(query, { name: 'Too large', description }, key);
    expect(answer.data).toEqual({ createCampaign: null });
    expect(answer.errors).toEqual([
      {
        message: expect.stringMatching(/1,000,000 bytes .* Select less/),
        path: ['createCampaign'],
        locations: expect.any(Array),
        extensions: { code: 'IDEMPOTENCY_ANSWER_TOO_LARGE', argument: 'idempotency-key' },
      },
    ]);
    expect(await named('Too large')).toEqual([]);
    const less = query.replace('campaign { description }', 'id');
    expect(
      (await client.ask(less, { name: 'Too large', description }, key)).errors,
    ).toBeUndefined();
    expect(await named('Too large')).toHaveLength(1);
  });

  it('is bounded over the fields of a request', async () => {
    const description = 'x'.repeat(600_000);
    const field =
      'createCampaign(input: { name: "Half", description: $description }) { campaign { description } }';
    const answer = await client.ask(
      `mutation ($description: String!) { a: ${field} b: ${field} }`,
      { description },
      randomUUID(),
    );
    expect(answer.data).toMatchObject({ a: { campaign: { description } }, b: null });
    expect(codesOf(answer)).toEqual(['IDEMPOTENCY_ANSWER_TOO_LARGE']);
    expect(await named('Half')).toHaveLength(1);
  });

  it('is a bounded number of keys: the oldest make room, unless all are of the last hour', async () => {
    await forget();
    await fill(2, 2 * HOUR);
    await fill(9_998, 59);
    expect(codesOf(await rename('Makes room'))).toEqual([]);
    expect((await kept()).keys).toBe(9_999);
    expect(codesOf(await rename('Fills up'))).toEqual([]);
    const full = await rename('No room');
    expect(full.data).toEqual({ createCampaign: null });
    expect(full.errors).toMatchObject([
      {
        message: expect.stringMatching(/without a key, or wait/),
        extensions: { code: 'TOO_MANY_IDEMPOTENCY_KEYS', argument: 'idempotency-key' },
      },
    ]);
    expect(await named('No room')).toEqual([]);
    expect((await client.ask(inline('input: { name: "Without" }'))).errors).toBeUndefined();
    const colleague = await api.as(tenant.people.Strategist, tenant.workspaceId);
    const theirs = await colleague.ask(inline('input: { name: "Theirs" }'), {}, randomUUID());
    expect(theirs.errors).toBeUndefined();
  });

  it('is a bounded size over all keys', async () => {
    await forget();
    await fill(102, 30, 990_000);
    expect(codesOf(await rename('No bytes left'))).toEqual(['TOO_MANY_IDEMPOTENCY_KEYS']);
    await database.query(
      "update gateway.idempotency_key set created_at = created_at - interval '1 hour' where person = $1",
      [tenant.people.Owner],
    );
    expect(codesOf(await rename('Makes room for itself'))).toEqual([]);
    expect((await kept()).bytes).toBeLessThan(100_000_000);
    await forget();
  });
});
