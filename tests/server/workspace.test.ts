import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

const people = { both: randomUUID(), first: randomUUID(), none: randomUUID() };
const workspaces = { first: randomUUID(), second: randomUUID(), foreign: randomUUID() };
const HEADER = 'x-workspace-id';

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.query('INSERT INTO auth.users (id) SELECT unnest($1::uuid[])', [
    Object.values(people),
  ]);
  await database.query(
    "INSERT INTO workspaces (id, name, slug) SELECT id, 'A workspace', id FROM unnest($1::uuid[]) AS id",
    [Object.values(workspaces)],
  );
  await database.query(
    'INSERT INTO user_workspaces (user_id, workspace_id, role) VALUES ($1, $3, $5), ($1, $4, $6), ($2, $3, $6)',
    [people.both, people.first, workspaces.first, workspaces.second, 'Owner', 'Viewer'],
  );
  gateway = await startGateway(database.gatewayUrl);
});

afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

async function ask(person: keyof typeof people, query: string, workspace?: string) {
  const authorization = `Bearer ${await token({ sub: people[person] })}`;
  return gateway.ask(query, {
    authorization,
    ...(workspace === undefined ? {} : { [HEADER]: workspace }),
  });
}

describe('without the header', () => {
  it('the only workspace is the current one, also in the database', async () => {
    const { data } = await ask('first', '{ currentWorkspace setting }');
    expect(data).toEqual({
      currentWorkspace: workspaces.first,
      setting: `${people.first} ${workspaces.first}`,
    });
  });

  it.each([
    ['two workspaces', 'both', /2 workspaces: choose one with the header x-workspace-id/],
    ['no workspace', 'none', /not a member of any/],
  ] as const)(
    'a person with %s has no current one, and fields that need it fail',
    async (_, person, message) => {
      const { data, errors } = await ask(person, '{ currentWorkspace setting workspace }');
      expect(data).toEqual({
        currentWorkspace: null,
        setting: `${people[person]} -`,
        workspace: null,
      });
      expect(errors).toHaveLength(1);
      expect(errors?.[0]?.extensions).toEqual({ code: 'WORKSPACE_REQUIRED', argument: HEADER });
      expect(errors?.[0]?.message).toMatch(message);
    },
  );
});

describe('with the header', () => {
  it.each(['first', 'second'] as const)('the %s of two can be chosen', async (name) => {
    for (const header of [workspaces[name], workspaces[name].toUpperCase()]) {
      const { data } = await ask('both', '{ workspace setting }', header);
      expect(data).toEqual({
        workspace: workspaces[name],
        setting: `${people.both} ${workspaces[name]}`,
      });
    }
  });

  it('a foreign workspace is refused like one that does not exist', async () => {
    const foreign = await ask('both', '{ me }', workspaces.foreign);
    const unknown = await ask('both', '{ me }', randomUUID());
    expect(foreign.status).toBe(403);
    expect(foreign.errors?.[0]?.extensions).toEqual({ code: 'FORBIDDEN', argument: HEADER });
    expect(unknown.status).toBe(403);
    expect(unknown.text).toBe(foreign.text);
  });

  it.each(['', 'nonsense', '123', `${workspaces.first},${workspaces.second}`])(
    '%j is refused as malformed',
    async (header) => {
      const answer = await ask('both', '{ me }', header);
      expect(answer.status).toBe(400);
      expect(answer.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: HEADER });
      expect(answer.errors?.[0]?.message).toMatch(/x-workspace-id must be the UUID/);
    },
  );

  it('a workspace is refused after the membership has ended', async () => {
    const person = randomUUID();
    await database.query('INSERT INTO auth.users (id) VALUES ($1)', [person]);
    await database.query('INSERT INTO user_workspaces (user_id, workspace_id) VALUES ($1, $2)', [
      person,
      workspaces.second,
    ]);
    const authorization = `Bearer ${await token({ sub: person })}`;
    const headers = { authorization, [HEADER]: workspaces.second };
    expect((await gateway.ask('{ me }', headers)).status).toBe(200);
    await database.query('DELETE FROM user_workspaces WHERE user_id = $1', [person]);
    expect((await gateway.ask('{ me }', headers)).status).toBe(403);
  });
});

describe('many concurrent requests', () => {
  it('each have their own person and workspace', async () => {
    const cases = Array.from({ length: 100 }, (_, index) =>
      index % 2 ? (['both', 'second'] as const) : (['first', 'first'] as const),
    );
    const answers = await Promise.all(
      cases.map(([person, workspace]) => ask(person, '{ setting }', workspaces[workspace])),
    );
    expect(answers.map(({ data }) => data?.setting)).toEqual(
      cases.map(([person, workspace]) => `${people[person]} ${workspaces[workspace]}`),
    );
  });
});
