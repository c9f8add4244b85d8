import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Where servers answer, and the key of the tokens that they take. */
export const PORT = 4_700;
export const SECRET = 'a secret of the benchmark, 32 bytes or more';
/** All subscribers are one person in one workspace. */
const PLENTY = 'sockets=20000,subscriptions=20000,distinct=20000,requests=20000';
export const GATEWAY = ['dist/src/main.js'];
export const BARE = ['--import', 'tsx', 'scripts/bench-push/bare.ts'];
/** Collects the garbage of a server when it is asked to. */
const GARBAGE_COLLECTION = `data:text/javascript,process.on('SIGUSR2', () => globalThis.gc())`;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Gauges {
  cpuSeconds: number;
  /** In use on the heap and outside of it. */
  usedBytes: number;
  residentBytes: number;
  loopDelayP99Ms: number;
}

/** Starts a server that is measured; resolves once it is ready. `pinned` is what runs it on its core. */
export async function startServer(
  command: readonly string[],
  pinned: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const [program = '', ...args] = [
    ...pinned,
    process.execPath,
    '--expose-gc',
    '--import',
    GARBAGE_COLLECTION,
    ...command,
  ];
  const child = spawn(program, args, {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      PORT: String(PORT),
      JWT_SECRET: SECRET,
      METRICS: 'true',
      PERSON_LIMITS: PLENTY,
      WORKSPACE_LIMITS: PLENTY,
      UNAUTHENTICATED_SOCKETS: '20000',
      LOG_LEVEL: 'error',
      NODE_ENV: 'production',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${PORT}/health/ready`).catch(() => null);
    if (ready?.ok) return child;
    if (child.exitCode !== null) throw new Error(`${command.at(-1)} ended`);
    await delay(100);
  }
}

/** Moves this process, and what it starts, to the other cores; returns whether that could be done. */
export function leaveToServer(core: string): boolean {
  const cores = availableParallelism();
  const others = Array.from({ length: cores }, (_, n) => String(n)).filter((n) => n !== core);
  if (others.length === 0 || others.length === cores) return false;
  const { status } = spawnSync('taskset', ['-a', '-c', '-p', others.join(), String(process.pid)]);
  return status === 0;
}

/** Resolves once it has ended. */
export async function stopServer(child: ChildProcess): Promise<void> {
  child.kill('SIGINT');
  if (child.exitCode === null) await once(child, 'exit');
}

/** The gauges without garbage, of which connecting makes a lot. */
export async function settledGauges(server: ChildProcess): Promise<Gauges> {
  server.kill('SIGUSR2');
  await delay(1_000);
  return readGauges();
}

/** What a server reports about itself. */
export async function readGauges(): Promise<Gauges> {
  const text = await (await fetch(`http://127.0.0.1:${PORT}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    cpuSeconds: read('process_cpu_seconds_total'),
    usedBytes: read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'),
    residentBytes: read('process_resident_memory_bytes'),
    loopDelayP99Ms: read('nodejs_eventloop_lag_p99_seconds') * 1000,
  };
}
