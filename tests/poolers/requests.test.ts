import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { demoWorkspaces } from '../../prisma/seed/people.ts';
import { examples } from '../../src/server/graphiql/examples.ts';
import { eventually } from '../support/eventually.ts';
import { attempt, perform } from '../support/mutations.ts';
import { hasPgBouncer, POOL_MODES } from '../support/pgbouncer.ts';
import { CALLERS, race } from '../support/race.ts';
import { createPooledWorld, type Person, type PooledGateway, type PooledWorld } from './world.ts';

// Hundreds of requests, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

/** Connections of the gateway to PgBouncer, and of PgBouncer to Postgres in transaction mode. */
const [GATEWAY_POOL_SIZE, PGBOUNCER_POOL_SIZE] = [10, 2];

describe.runIf(hasPgBouncer()).each(POOL_MODES)('behind PgBouncer in %s mode', (mode) => {
  let world: PooledWorld;
  let gateway: PooledGateway;
  let owner: Person;
  let other: Person;
  beforeAll(async () => {
    world = await createPooledWorld(mode, mode === 'transaction' ? PGBOUNCER_POOL_SIZE : undefined);
    gateway = await world.open({ DATABASE_POOL_SIZE: String(GATEWAY_POOL_SIZE) });
    owner = await gateway.owner();
    other = await gateway.owner(1);
  });
  afterAll(() => world?.close());

  /** Locks a table while `run` runs. */
  async function locking<T>(table: string, run: () => Promise<T>): Promise<T> {
    const client = new pg.Client(world.database.url);
    await client.connect();
    try {
      await client.query(`begin; lock table ${table} in access exclusive mode`);
      return await run();
    } finally {
      await client.end();
    }
  }

  const waiting = async (table: string) => {
    const rows = await world.database.query(
      'select from pg_locks where relation = $1::regclass and not granted',
      [table],
    );
    return rows.length;
  };

  it('gives the same answers as without a pooler', async () => {
    const direct = await world.open({
      DATABASE_URL: world.database.gatewayUrl,
      DATABASE_POOL_MODE: 'session',
    });
    const directOwner = await direct.owner();
    for (const { query, variables } of examples) {
      if (!/^query/m.test(query)) continue;
      const expected = await directOwner.ask(query, variables);
      expect(expected.errors).toBeUndefined();
      expect((await owner.ask(query, variables)).data).toEqual(expected.data);
    }
    await direct.stop();
  });

  it('shows two tenants only their own rows, with timestamps in UTC, over hundreds of requests', async () => {
    const LIST = `{ campaigns(first: 50, orderBy: [{ field: ID }]) {
      totalCount nodes { id workspaceId createdAt cohortLinks { nodes { workspaceId } } } } }`;
    const rowsOf = async ({ workspaceId }: Person) => {
      const rows = await world.database.query<{ id: string; created: string }>(
        `select id, floor(extract(epoch from created_at) * 1000)::text as created
         from campaigns where workspace_id = $1 order by id`,
        [workspaceId],
      );
      return rows.map(({ id, created }) => [id, new Date(Number(created)).toISOString()]);
    };
    const expected = new Map([
      [owner, await rowsOf(owner)],
      [other, await rowsOf(other)],
    ]);
    let answered = 0;
    const ask = async (person: Person) => {
      const { campaigns } = await person.data(LIST);
      const received = campaigns.nodes.map(({ id, createdAt }: Record<string, string>) => [
        id,
        createdAt,
      ]);
      expect(received).toEqual(expected.get(person));
      expect(campaigns.totalCount).toBe(received.length);
      expect(JSON.stringify(campaigns)).not.toContain(
        (person === owner ? other : owner).workspaceId,
      );
      answered += 1;
    };
    const clients = Array.from({ length: 20 }, async (_, n) => {
      for (let i = 0; i < 15; i += 1) await ask((n + i) % 2 === 0 ? owner : other);
    });
    await Promise.all(clients);
    expect(answered).toBe(300);
    expect([...expected.values()].every((rows) => rows.length > 0)).toBe(true);
    const sessions = await world.database.query(
      `select from pg_stat_activity
       where application_name = 'codex-gateway' and datname = current_database()`,
    );
    if (mode === 'transaction') expect(sessions.length).toBeLessThanOrEqual(PGBOUNCER_POOL_SIZE);
  });

  it('creates, changes and deletes a campaign, and writes nothing in a dry run', async () => {
    const create = (more = '') =>
      perform(
        owner,
        `createCampaign(input: { name: "Monsoon", quests: [{ name: "Film" }] } ${more})`,
        '{ campaign { id name quests { nodes { name } } } }',
      );
    const rowsOf = (campaign: string) =>
      world.database.query('select name from campaigns where id = $1', [campaign]);
    const { campaign: preview } = await create('dryRun: true');
    expect(preview).toMatchObject({ name: 'Monsoon', quests: { nodes: [{ name: 'Film' }] } });
    expect(await rowsOf(preview.id)).toEqual([]);
    const { campaign } = await create();
    const id: [string, string] = ['UUID!', campaign.id];
    await perform(owner, 'updateCampaign(id: $id, input: { name: "Rain" })', '{ id }', { id });
    expect(await rowsOf(campaign.id)).toEqual([{ name: 'Rain' }]);
    const foreign = await attempt(
      other,
      'updateCampaign(id: $id, input: { name: "Mine" })',
      '{ id }',
      { id },
    );
    expect(foreign.errors).toMatchObject([{ __typename: 'NotFoundError' }]);
    await perform(owner, 'deleteCampaign(id: $id)', '{ id }', { id });
    expect(await rowsOf(campaign.id)).toEqual([]);
  });

  it('names the invalid argument when the database refuses a write', async () => {
    const workspace: [string, string] = ['UUID!', owner.workspaceId];
    const { errors } = await attempt(
      owner,
      `updateWorkspace(id: $workspace, input: { slug: "${demoWorkspaces[1]?.slug}" })`,
      '{ id }',
      { workspace },
    );
    expect(errors).toMatchObject([{ __typename: 'ConflictError', path: ['input', 'slug'] }]);
  });

  it('writes the valid rows of a bulk that is not atomic, and reports the error of each other row', async () => {
    const { results, affected } = await attempt(
      owner,
      `createCampaigns(atomic: false, inputs: [
        { name: "One" }, { name: "Two", positioningId: "${randomUUID()}" },
        { name: "Three", budgetAllocation: "-1" }, { name: "Four" }])`,
      '{ affected results { id errors { __typename path } } }',
    );
    expect(affected).toBe(2);
    expect(results).toMatchObject([
      { id: expect.any(String), errors: [] },
      {
        id: null,
        errors: [{ __typename: 'ValidationError', path: ['inputs', '1', 'positioningId'] }],
      },
      {
        id: null,
        errors: [{ __typename: 'ValidationError', path: ['inputs', '2', 'budgetAllocation'] }],
      },
      { id: expect.any(String), errors: [] },
    ]);
  });

  it('writes once when many clients send the same idempotency key at the same time', async () => {
    const CREATE = `mutation($name: String!) {
      createCampaign(input: { name: $name }) { id campaign { id createdAt } errors { message } } }`;
    for (let round = 0; round < 3; round += 1) {
      const [name, key] = [randomUUID(), randomUUID()];
      const answers = await race(() => owner.ask(CREATE, { name }, key));
      answers.push({ status: 'fulfilled', value: await owner.ask(CREATE, { name }, key) });
      const texts = answers.map((each) =>
        each.status === 'fulfilled' ? each.value.text : String(each.reason),
      );
      expect(texts).toHaveLength(CALLERS + 1);
      const rows = await world.database.query<{ id: string }>(
        'select id from campaigns where name = $1',
        [name],
      );
      expect(rows).toHaveLength(1);
      expect(new Set(texts).size).toBe(1);
      expect(texts[0]).toContain(rows[0]?.id);
      const mismatch = await owner.ask(CREATE, { name: 'Another' }, key);
      expect(mismatch.errors?.[0]?.extensions.code).toBe('IDEMPOTENCY_MISMATCH');
    }
  });

  it('stops a statement at its timeout, and a request at its time budget', async () => {
    const LISTS = Array.from(
      { length: 6 },
      (_, n) => `c${n}: campaigns(first: 1) { nodes { id } }`,
    );
    for (const [settings, message] of [
      [{ DATABASE_STATEMENT_TIMEOUT: '300' }, /took too long/],
      [{ DATABASE_TIME_BUDGET: '300' }, /0\.3 seconds of the database/],
    ] as const) {
      const opened = await world.open({ DATABASE_POOL_SIZE: '4', ...settings });
      const limited = await opened.owner();
      await limited.data('{ viewer { role } }');
      await locking('campaigns', async () => {
        const { errors = [] } = await limited.ask(`{ ${LISTS.join(' ')} }`);
        expect(errors.length).toBeGreaterThan(0);
        for (const error of errors) {
          expect(error.extensions.code).toBe('TIMEOUT');
          expect(error.message).toMatch(message);
        }
        await eventually(() => waiting('campaigns')).toBe(0);
      });
      expect((await limited.data(`{ ${LISTS[0]} }`)).c0.nodes).toHaveLength(1);
      await opened.stop();
    }
  });

  it("cancels only the statement of a client that disconnects, not other clients'", async () => {
    const others = () =>
      Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          (n % 2 ? owner : other).data('{ campaigns(first: 5) { nodes { id } } }'),
        ),
      );
    for (let round = 0; round < 12; round += 1) {
      await locking('trends', async () => {
        const leaving = new AbortController();
        const answer = fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          signal: leaving.signal,
          headers: { ...owner.headers, 'content-type': 'application/json' },
          body: JSON.stringify({ query: '{ trends(first: 1) { nodes { id } } }' }),
        }).catch(() => 'left');
        await eventually(() => waiting('trends')).toBe(1);
        const answers = others();
        leaving.abort();
        expect(await answer).toBe('left');
        await answers;
        await others();
        await eventually(() => waiting('trends')).toBe(0);
      });
    }
    expect((await owner.data('{ trends(first: 1) { nodes { id } } }')).trends.nodes).toHaveLength(
      1,
    );
  });

  it('leaves no settings, statements or listeners of a request on the sessions of PgBouncer', async () => {
    await race(() => owner.data('{ campaigns(first: 1) { nodes { id } } }'));
    const client = new pg.Client(world.bouncer.url(world.database.gatewayUrl));
    await client.connect();
    try {
      const { rows } = await client.query(
        `select session_user = current_user as own_role,
           coalesce(current_setting('request.jwt.claims', true), '') as claims,
           coalesce(current_setting('app.current_workspace_id', true), '') as workspace,
           current_setting('timezone') as timezone,
           current_setting('statement_timeout') as timeout,
           (select count(*)::int from pg_prepared_statements) as prepared,
           (select count(*)::int from pg_listening_channels()) as channels`,
      );
      expect(rows).toEqual([
        {
          own_role: true,
          claims: '',
          workspace: '',
          timezone: 'Asia/Kolkata',
          timeout: '0',
          prepared: 0,
          channels: 0,
        },
      ]);
    } finally {
      await client.end();
    }
  });
});
