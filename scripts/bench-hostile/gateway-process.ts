import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { startEmbeddedDatabase } from '../../src/server/database.ts';
import { freePort } from '../../tests/support/ports.ts';

const SECRET = 'a secret of the benchmark, 32 bytes or more';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 60_000;
/**
 * Sends its parent, when asked, what it has used so far, in microseconds, and how long its event loop
 * was blocked at most since it was last asked, in nanoseconds.
 */
const USAGE = `data:text/javascript,
  import { monitorEventLoopDelay } from 'node:perf_hooks';
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('message', () => {
    process.send({ ...process.cpuUsage(), rss: process.memoryUsage.rss(), longest: delays.max });
    delays.reset();
  });
  process.channel.unref();`;

/** Where the demo data is. */
export interface DemoDatabase {
  /** Of a login that the gateway may use. */
  connectionString: string;
  /** Of one that may read everything; the same where the database was given. */
  ownerUrl: string;
  stop(): Promise<void>;
}

/** A gateway in a process of its own, over the demo data. */
export interface GatewayProcess {
  url: string;
  /** Whether it still runs. */
  isAlive(): boolean;
  /** Returns the CPU time that the process has used, in milliseconds. */
  cpu(): Promise<number>;
  /**
   * Returns how long its event loop was blocked at most since this process was last asked for
   * anything, in milliseconds.
   */
  longestBlock(): Promise<number>;
  /** Returns the memory that it holds, in bytes. */
  residentBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** A person of the demo, in one of its workspaces. */
export interface DemoClient {
  headers: Record<string, string>;
}

/**
 * Returns the database of this connection string or, without one, a new one with so many times the
 * demo data.
 */
export async function openDemoDatabase(
  connectionString?: string,
  scale = 1,
): Promise<DemoDatabase> {
  if (connectionString) {
    return { connectionString, ownerUrl: connectionString, stop: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), 'codex-bench-'));
  const database = await startEmbeddedDatabase(folder, () => {}, scale);
  return {
    connectionString: database.connectionString,
    ownerUrl: database.postgres.url(),
    async stop() {
      await database.readiness.close();
      await database.postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a gateway; resolves once it answers. `settings` are environment variables. */
export async function startGatewayProcess(
  { connectionString }: DemoDatabase,
  settings: Record<string, string> = {},
): Promise<GatewayProcess> {
  const port = await freePort();
  const args = ['--import', 'tsx', '--import', USAGE, 'src/main.ts'];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATABASE_URL: connectionString,
      JWT_SECRET: SECRET,
      LOG_LEVEL: 'silent',
      NODE_ENV: 'production',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, url);
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const usage = async (): Promise<Record<'user' | 'system' | 'rss' | 'longest', number>> => {
    if (!isAlive()) throw new Error('The gateway has ended');
    child.send('usage');
    const [message] = await once(child, 'message');
    return message;
  };
  return {
    url,
    isAlive,
    async cpu() {
      const { user, system } = await usage();
      return (user + system) / 1000;
    },
    longestBlock: async () => (await usage()).longest / 1e6,
    residentBytes: async () => (await usage()).rss,
    async stop() {
      if (!isAlive()) return;
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const until = Date.now() + START_MS;
  for (;;) {
    const ready = await fetch(`${url}/health/ready`).catch(() => null);
    if (ready?.ok) return;
    if (child.exitCode !== null) throw new Error('The gateway ended before it was ready');
    if (Date.now() > until) {
      child.kill();
      throw new Error('The gateway is not ready');
    }
    await delay(100);
  }
}

/** Signs in as the n-th person of the demo, in the n-th workspace. */
export async function signIn(person = 0, workspace = 0): Promise<DemoClient> {
  const token = await new SignJWT({ role: 'authenticated', email: demoPeople[person]?.email })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(demoPeople[person]?.id as string)
    .setAudience('authenticated')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  return {
    headers: {
      authorization: `Bearer ${token}`,
      'x-workspace-id': demoWorkspaces[workspace]?.id as string,
      'content-type': 'application/json',
    },
  };
}

/** The outcome of a request. */
export interface Reply {
  /** 0 where there was no answer. */
  status: number;
  /** Of its errors, those of a mutation's payload by their types; each once. */
  codes: string[];
  bytes: number;
  /** From the request to the end of its answer, in milliseconds. */
  ms: number;
  text: string;
}

/** Sends a body of JSON; a stream of events is left once it has begun. */
export async function send(
  { url }: Pick<GatewayProcess, 'url'>,
  { headers }: DemoClient,
  body: string,
  { accept = 'application/json', patienceMs = 40_000 } = {},
): Promise<Reply> {
  const patience = AbortSignal.timeout(patienceMs);
  const left = new AbortController();
  const begun = performance.now();
  const reply = (status: number, text: string): Reply => ({
    status,
    codes: codesIn(text),
    bytes: Buffer.byteLength(text),
    ms: performance.now() - begun,
    text,
  });
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { ...headers, accept },
      body,
      signal: AbortSignal.any([patience, left.signal]),
    });
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      // A refused one has its error at once.
      const first = response.body?.getReader().read();
      const chunk = await Promise.race([first, delay(20)]);
      left.abort();
      return reply(response.status, chunk?.value ? new TextDecoder().decode(chunk.value) : '');
    }
    return reply(response.status, await response.text());
  } catch (error) {
    return reply(0, String(error));
  }
}

function codesIn(text: string): string[] {
  const codes = text.matchAll(/"code":"([A-Z_]+)"|"__typename":"(\w+Error)"/g);
  return [...new Set([...codes].map(([, code, type]) => (code ?? type) as string))];
}
