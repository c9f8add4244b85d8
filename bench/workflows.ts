import { isDeepStrictEqual } from 'node:util';
import { type JWTPayload, SignJWT } from 'jose';
import pg from 'pg';
import { openDemoDatabase } from '../scripts/bench-hostile/gateway-process.ts';
import { SERVICE_TOKEN_TYPE } from '../src/context/authentication.ts';
import {
  type DocumentedOperation,
  documentedOperations,
  remember,
  type Sender,
  variablesOf,
} from '../tests/support/documented-operations.ts';
import type { Subject } from './bench-database.ts';
import { answerOf, Connection, written } from './http-client.ts';
import { type LoadResult, run } from './load.ts';
import { table } from './report.ts';
import { SECRETS, startServer } from './servers/start-server.ts';
import { quantile } from './statistics.ts';

const USERS = 15;
/** Of all users. */
const REQUESTS = 1_500;
/** Answers of the bare server before it is measured. */
const WARM_UP = 500;
/** Runs before the five, once: a person can be invited only once. */
const PRELUDE = 'First, a colleague joins';
/** All workspaces share the registry of agents, whose names are unique. */
const AGENT = 'res-monsoon';

interface Sent {
  heading: string;
  ms: number;
  problem: string | null;
}

/** Runs users through the five workflows at once, and returns their waiting times as a table. */
export async function measureWorkflows(onProgress: (step: string) => void): Promise<string> {
  onProgress('Making the demo');
  const database = await openDemoDatabase();
  try {
    const { subject, alertIds } = await readDemo(database.ownerUrl);
    onProgress('Measuring the bare server');
    const bare = await measureBare(database.connectionString, subject, alertIds);
    onProgress(`${USERS} users at work`);
    return report(await measureGateway(database.connectionString, subject), bare);
  } finally {
    await database.stop();
  }
}

async function measureGateway(url: string, subject: Subject): Promise<Sent[]> {
  const first = JSON.stringify({ query: '{ __typename }' });
  const { port, stop } = await startServer('gateway', url, subject, first);
  try {
    const operations = documentedOperations('workflows.md').filter(
      ({ heading }) => heading !== PRELUDE,
    );
    await work(port, operations, 'first', operations.length);
    const users = Array.from({ length: USERS }, (_, n) => `${n}`);
    const sent = users.map((user) => work(port, operations, user, REQUESTS / USERS));
    return (await Promise.all(sent)).flat();
  } finally {
    await stop();
  }
}

/** Sends so many requests, one workflow after the other, and again from the start. */
async function work(
  port: number,
  operations: readonly DocumentedOperation[],
  name: string,
  requests: number,
): Promise<Sent[]> {
  const user = new User(port);
  const sent: Sent[] = [];
  try {
    for (let n = 0; n < requests; n += 1) {
      const operation = operations[n % operations.length] as DocumentedOperation;
      if (operation === operations[0]) user.begin(`${AGENT}-${name}-${n}`);
      sent.push(await user.ask(operation));
    }
  } finally {
    user.leave();
  }
  return sent;
}

/** Somebody at work, over one connection, who keeps their tokens. */
class User {
  readonly #port: number;
  readonly #connection: Connection;
  readonly #tokens = new Map<string, string>();
  #known = new Map<string, unknown>();

  constructor(port: number) {
    this.#port = port;
    this.#connection = new Connection(port);
  }

  /** Starts again, with an agent of this name. */
  begin(agentName: string): void {
    this.#known = new Map([['agentName', agentName]]);
  }

  leave(): void {
    this.#connection.close();
  }

  async ask({ heading, sender, document, answer: documented }: DocumentedOperation): Promise<Sent> {
    // Each round has another agent.
    const named = document.replace(`"${AGENT}"`, '$agentName');
    const query =
      named === document ? document : named.replace('mutation', 'mutation ($agentName: String!)');
    const body = JSON.stringify({ query, variables: variablesOf(query, this.#known) });
    const request = written({ port: this.#port, headers: await this.#headersOf(sender), body });
    const begun = performance.now();
    const bytes = await this.#connection.exchange(request);
    const ms = performance.now() - begun;
    const answer = answerOf(bytes);
    const { data, errors } = JSON.parse(answer.body);
    remember(data, this.#known);
    const isFine =
      answer.status === 200 &&
      !errors &&
      isDeepStrictEqual(refusalsIn(data), refusalsIn(JSON.parse(documented)));
    return { heading, ms, problem: isFine ? null : `${query}\n${answer.body}` };
  }

  async #headersOf(sender: Sender): Promise<Record<string, string>> {
    const claims = this.#claimsOf(sender);
    const key = JSON.stringify(claims);
    const token = this.#tokens.get(key) ?? (await sign(claims));
    this.#tokens.set(key, token);
    const { workspaceId } = sender;
    return {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(workspaceId ? { 'x-workspace-id': workspaceId } : {}),
    };
  }

  #claimsOf(sender: Sender): JWTPayload {
    if (sender.kind === 'person') return { sub: sender.id, role: 'authenticated' };
    const { name, scopes } = sender;
    return { agent: name === AGENT ? this.#known.get('agentName') : name, scopes };
  }
}

function sign(claims: JWTPayload): Promise<string> {
  const [secret, typ] = claims.agent
    ? [SECRETS.agents, SERVICE_TOKEN_TYPE]
    : [SECRETS.people, 'JWT'];
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ })
    .setAudience('authenticated')
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(secret));
}

/** The refusals in payloads: the workflows have some, too. */
function refusalsIn(value: unknown, path = ''): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const at = `${path}.${name}`;
    if (name === 'errors' && Array.isArray(each)) return each.length > 0 ? [at] : [];
    return refusalsIn(each, at);
  });
}

async function readDemo(ownerUrl: string): Promise<{ subject: Subject; alertIds: string[] }> {
  const owner = new pg.Client(ownerUrl);
  await owner.connect();
  try {
    // Of the plan, which has room for a few.
    await owner.query('UPDATE workspaces SET cohorts_limit = $1', [REQUESTS]);
    const { rows } = await owner.query(
      `SELECT m.user_id, m.workspace_id, array_agg(a.id::text) AS ids
       FROM user_workspaces AS m JOIN workspaces AS w ON w.id = m.workspace_id
       JOIN system_alerts AS a ON a.workspace_id = w.id
       WHERE w.slug = 'kaveri-coffee' AND m.role = 'Owner' GROUP BY 1, 2`,
    );
    const { user_id: personId, workspace_id: workspaceId, ids } = rows[0];
    return { subject: { personId, workspaceId, alerts: [] }, alertIds: ids };
  } finally {
    await owner.end();
  }
}

/** One update of a row, for as many clients: the smallest step of a workflow. */
async function measureBare(
  url: string,
  subject: Subject,
  alertIds: readonly string[],
): Promise<LoadResult> {
  const bodies = alertIds.map((id) =>
    JSON.stringify({ request: 'update', size: 1, variables: { id, message: 'Looked at' } }),
  );
  const { port, headers, stop } = await startServer('bare', url, subject, bodies[0] ?? '');
  try {
    const requests = bodies.map((body) => written({ port, headers, body }));
    const load = { port, requests, connections: USERS };
    await run(load, { most: WARM_UP });
    return await run(load, { most: REQUESTS });
  } finally {
    await stop();
  }
}

/** Throws for an answer that differs from the documentation. */
function report(sent: readonly Sent[], bare: LoadResult): string {
  const problems = sent.flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0) {
    throw new Error(`${problems.length} of ${sent.length} went wrong, such as:\n${problems[0]}`);
  }
  const row = (title: string, some: readonly Sent[]) => {
    const latencies = some.map(({ ms }) => ms);
    const shown = [0.5, 0.95, 0.99].map((share) => quantile(latencies, share));
    const ratio = quantile(latencies, 0.95) / bare.p95;
    return [title, String(some.length), ...[...shown, ratio].map((each) => each.toFixed(2))];
  };
  const headings = [...new Set(sent.map(({ heading }) => heading))];
  const rows = [
    ...headings.map((heading) =>
      row(
        heading,
        sent.filter((each) => each.heading === heading),
      ),
    ),
    row('All five, no errors', sent),
    [
      'bare: an update of one row',
      String(bare.requests),
      ...[bare.p50, bare.p95, bare.p99, 1].map((each) => each.toFixed(2)),
    ],
  ];
  const head = ['workflow', 'requests', 'p50 ms', 'p95 ms', 'p99 ms', 'p95 x bare'];
  return `${USERS} users at once\n\n${table(head, rows).join('\n')}\n`;
}
