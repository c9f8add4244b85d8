import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AUDIENCE, SECRET, token } from '../server/support/gateway.ts';
import { type Program, run } from '../server/support/process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testEnv } from '../support/env.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

const CAMPAIGNS = Math.min(testEnv.stressMutations, 1_000);
const QUESTS = 5;
/** How many of them are answered before the gateway is killed. */
const ANSWERED = CAMPAIGNS / 4;

const CREATE = `mutation ($input: CampaignCreateInput!) {
  createCampaign(input: $input) { id campaign { name quests { totalCount } } errors { message } }
}`;

let database: TestDatabase;
let tenant: Tenant;
let bearer: string;
const programs: Program[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  bearer = await token({ sub: tenant.people.Owner, exp: Math.floor(Date.now() / 1000) + 600 });
});
afterAll(async () => {
  for (const { child } of programs) child.kill('SIGKILL');
  await Promise.all(programs.map((program) => program.ends()));
  await database?.close();
});

async function startProcess(): Promise<{ program: Program; url: string }> {
  const program = run('src/main.ts', {
    PORT: '0',
    LOG_LEVEL: 'silent',
    DATABASE_URL: database.gatewayUrl,
    JWT_SECRET: SECRET,
    JWT_AUDIENCE: AUDIENCE,
  });
  programs.push(program);
  const [, url] = await program.prints(/answers at (http:\/\/127\.0\.0\.1:\d+)\/graphql/);
  return { program, url: String(url) };
}

const campaigns = Array.from({ length: CAMPAIGNS }, (_, n) => ({
  key: randomUUID(),
  input: {
    name: `Campaign ${n}`,
    quests: Array.from({ length: QUESTS }, (_, i) => ({ name: `Quest ${i}` })),
  },
}));

/** Sends the creation of a campaign and its quests, and returns its id. */
async function create(url: string, { key, input }: (typeof campaigns)[number]): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${bearer}`,
      'x-workspace-id': tenant.workspaceId,
      'idempotency-key': key,
    },
    body: JSON.stringify({ query: CREATE, variables: { input } }),
  });
  const { data } = (await response.json()) as {
    data?: { createCampaign: { id: string; errors: [] } };
  };
  expect(data?.createCampaign.errors).toEqual([]);
  return String(data?.createCampaign.id);
}

/** How many quests each campaign has, by its id; and how many quests there are. */
async function stored() {
  const rows = await database.query<{ id: string; name: string; quests: number }>(
    `select c.id, c.name, count(q.id)::int as quests
     from campaigns as c left join campaign_quests as q on q.campaign_id = c.id group by c.id`,
  );
  const [total] = await database.query<{ n: number }>(
    'select count(*)::int as n from campaign_quests',
  );
  return { rows, quests: total?.n };
}

/** Waits until the database has ended the statements of the killed gateway. */
async function settled(): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity
       where datname = current_database() and usename = 'codex_gateway'`,
    );
    if (row?.n === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it(`after a crash each of ${CAMPAIGNS} mutations is complete or absent, and takes effect once when sent again`, async () => {
  const first = await startProcess();
  let answered = 0;
  const answers: (string | undefined)[] = [];
  const waiting = campaigns.entries();
  // Half of them at a time: the gateway cannot have finished all when it is killed.
  await Promise.all(
    Array.from({ length: CAMPAIGNS / 2 }, async () => {
      for (const [n, campaign] of waiting) {
        answers[n] = await create(first.url, campaign).catch(() => undefined);
        if (answers[n]) answered += 1;
        if (answered >= ANSWERED) first.program.child.kill('SIGKILL');
      }
    }),
  );
  await first.program.ends();
  await settled();

  const before = await stored();
  const ids = new Set(before.rows.map(({ id }) => id));
  const answeredIds = answers.filter((id) => id !== undefined);
  expect(answeredIds.length).toBeGreaterThanOrEqual(ANSWERED);
  expect(answeredIds.length).toBeLessThan(CAMPAIGNS);
  // What was answered is stored; what is stored is complete.
  expect(answeredIds.filter((id) => !ids.has(id))).toEqual([]);
  expect(before.rows.filter(({ quests }) => quests !== QUESTS)).toEqual([]);
  expect(before.quests).toBe(before.rows.length * QUESTS);
  expect(before.rows.length).toBeLessThan(CAMPAIGNS);

  const second = await startProcess();
  const again: string[] = [];
  for (let start = 0; start < CAMPAIGNS; start += 100) {
    const some = campaigns.slice(start, start + 100);
    again.push(...(await Promise.all(some.map((campaign) => create(second.url, campaign)))));
  }
  const after = await stored();
  expect(new Set(again).size).toBe(CAMPAIGNS);
  expect(after.rows.map(({ name }) => name).sort()).toEqual(
    campaigns.map(({ input }) => input.name).sort(),
  );
  expect(after.rows.filter(({ quests }) => quests !== QUESTS)).toEqual([]);
  expect(after.quests).toBe(CAMPAIGNS * QUESTS);
  // Those that had finished get the answer of the first time, even if it was never received.
  expect(before.rows.every(({ id }) => again.includes(id))).toBe(true);
  answers.forEach((id, n) => {
    if (id) expect(again[n]).toBe(id);
  });
}, 240_000);
