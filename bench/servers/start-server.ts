import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { freePort } from '../../tests/support/ports.ts';
import type { Subject } from '../bench-database.ts';
import { type Call, send } from '../http-client.ts';
import type { BenchRequest } from '../requests.ts';

export const SERVERS = ['gateway', 'unaccelerated', 'postgraphile', 'bare'] as const;
export type ServerName = (typeof SERVERS)[number];

export const TITLES: Readonly<Record<ServerName, string>> = {
  gateway: 'gateway',
  unaccelerated: 'gateway, ACCELERATORS=false',
  postgraphile: 'PostGraphile',
  bare: 'bare',
};

/** A server in a process of its own. */
export interface ServerProcess {
  name: ServerName;
  port: number;
  pid: number;
  /** From its start to its first answer, in milliseconds. */
  startMs: number;
  /** Goes with every request. */
  headers: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** The same Node for all of them, since PostGraphile needs 22. */
const NODE = path('../node_modules/node/bin/node');
const PROGRAMS: Readonly<Record<ServerName, string>> = {
  gateway: path('../../dist/src/main.js'),
  unaccelerated: path('../../dist/src/main.js'),
  postgraphile: path('postgraphile/postgraphile-server.ts'),
  bare: path('bare-server.ts'),
};
/** What the gateway's tokens are signed with. */
export const SECRETS = {
  people: 'a secret of the benchmark, 32 bytes or more',
  agents: 'another secret of the benchmark, for agents',
};
const START_MS = 60_000;
/** Connections to Postgres; the gateway's default. */
const POOL_SIZE = '10';

/**
 * Starts a server for these requests; resolves once it has answered `first`. Throws what it said when
 * it ends instead.
 */
export async function startServer(
  name: ServerName,
  databaseUrl: string,
  { personId, workspaceId }: Subject,
  first: string,
  requests: readonly Pick<BenchRequest, 'aggregates'>[] = [],
): Promise<ServerProcess> {
  const port = await freePort();
  const claims = { sub: personId, role: 'authenticated', aud: 'authenticated' };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1d')
    .sign(new TextEncoder().encode(SECRETS.people));
  const begun = performance.now();
  const child = spawn(NODE, [PROGRAMS[name]], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      DATABASE_POOL_SIZE: POOL_SIZE,
      // The gateway's: all requests of the bench are of one person.
      JWT_SECRET: SECRETS.people,
      SERVICE_JWT_SECRET: SECRETS.agents,
      LOG_LEVEL: 'error',
      PERSON_LIMITS: 'requests=1000',
      WORKSPACE_LIMITS: 'requests=1000',
      ...(name === 'unaccelerated' ? { ACCELERATORS: 'false' } : {}),
      // The other servers'.
      BENCH_CLAIMS: JSON.stringify(claims),
      BENCH_WORKSPACE: workspaceId,
      BENCH_AGGREGATES: String(requests.some(({ aggregates }) => aggregates)),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  child.once('exit', () => process.removeListener('exit', killed));
  const said: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => said.push(text));
  }
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
    'x-workspace-id': workspaceId,
  };
  const stop = () => end(child);
  try {
    await untilAnswered({ port, headers, body: first }, child, begun + START_MS);
  } catch (error) {
    await stop();
    throw new Error(`${TITLES[name]} did not start: ${String(error)}\n${said.join('')}`);
  }
  const startMs = performance.now() - begun;
  return { name, port, pid: child.pid ?? 0, startMs, headers, stop };
}

async function untilAnswered(call: Call, child: ChildProcess, deadline: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`It ended with code ${child.exitCode}.`);
    const answer = await send(call).catch(() => null);
    if (answer?.status === 200) return;
    if (performance.now() > deadline) {
      throw new Error(`Its last answer: ${answer?.status ?? 'none'} ${answer?.body ?? ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(impatient);
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
