import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGGREGATES } from '../../bench/aggregates.ts';
import type { Subject } from '../../bench/bench-database.ts';
import { type BenchRequest, CURSOR, REQUESTS, type Variables } from '../../bench/requests.ts';
import { MEMBERSHIP_CHECKS } from '../../src/context/workspace.ts';
import { schema } from '../../src/schema/index.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

const seed = readFileSync(new URL('../../bench/seed.sql', import.meta.url), 'utf8');

let database: TestDatabase;
let gateway: TestGateway;
let headers: Record<string, string>;
let subject: Subject;
let statements: string[] = [];
let roundTrips = 0;

beforeAll(async () => {
  database = await createTestDatabase('migrated');
  // The smallest size of the bench's data.
  await database.query(`BEGIN; SET LOCAL bench.scale = '0'; ${seed} COMMIT`);
  subject = await readSubject();
  gateway = await startGateway(database.gatewayUrl, {
    schema,
    accelerated: true,
    onStatement: (sql) => void statements.push(sql),
    onRoundTrip: () => {
      roundTrips += 1;
    },
  });
  headers = {
    authorization: `Bearer ${await token({ sub: subject.personId, exp: Math.floor(Date.now() / 1000) + 600 })}`,
    'x-workspace-id': subject.workspaceId,
  };
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

async function readSubject(): Promise<Subject> {
  const [member] = await database.query<Omit<Subject, 'alerts'>>(
    `select m.user_id as "personId", w.id as "workspaceId"
     from user_workspaces m join workspaces w on w.id = m.workspace_id
     where w.slug = 'workspace-1' and m.role = 'Owner'`,
  );
  if (!member) throw new Error('The measured workspace has no Owner.');
  const alerts = await database.query<Subject['alerts'][number]>(
    `select id, created_at::text as "createdAt" from system_alerts where workspace_id = $1
     order by system_alerts.created_at desc, id desc`,
    [member.workspaceId],
  );
  return { ...member, alerts };
}

/** The variables of the first and the second request, with other values if the bench has some. */
async function variablesOf({ variables, after }: BenchRequest): Promise<[Variables, Variables]> {
  const [first = {}, second = first] = variables(subject);
  if (!after) return [first, second];
  const { data } = await gateway.ask(CURSOR.gateway, headers, { id: after(subject).id });
  const cursor = { after: (data as Data).alerts.pageInfo.endCursor };
  return [cursor, cursor];
}

/** Sends a request a second time, so that document and viewer are cached, and counts its statements. */
async function counted(request: BenchRequest) {
  const [first, second] = await variablesOf(request);
  expect((await gateway.ask(request.gateway, headers, first)).errors).toBeUndefined();
  [statements, roundTrips] = [[], 0];
  const answer = await gateway.ask(request.gateway, headers, second);
  expect(answer.errors).toBeUndefined();
  expect(Object.values(answer.data ?? {})).not.toContain(null);
  return { data: answer.data as Data, sql: statements, roundTrips };
}

const named = (requests: readonly BenchRequest[]) =>
  requests.map((request) => [request.name, request.title, request] as const);
const READS = [...REQUESTS.filter(({ writes }) => !writes), ...AGGREGATES];
const WRITES = REQUESTS.filter(({ writes }) => writes);

describe('a read in the bench takes one statement and one round trip', () => {
  it.each(named(READS))('%s: %s', async (_, __, request) => {
    const { sql, roundTrips } = await counted(request);
    expect([sql.length, roundTrips], sql.join('\n')).toEqual([1, 1]);
    expect(sql[0]).toContain(MEMBERSHIP_CHECKS.chosen);
  });
});

describe('a write in the bench takes one round trip', () => {
  it.each(named(WRITES))('%s: %s', async (_, __, request) => {
    const { data, roundTrips } = await counted(request);
    const [payload]: Data[] = Object.values(data);
    const [, sent]: Data[] = await variablesOf(request);
    const written = payload.alert?.message ?? payload.alerts[request.size - 1].systemAlert.title;
    expect(written).toBe(sent.message ?? sent.alerts[request.size - 1].title);
    expect(roundTrips).toBe(1);
  });
});
