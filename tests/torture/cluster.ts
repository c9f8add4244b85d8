import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrator.ts';
import { RESOURCES } from '../../src/env.ts';
import { AUDIENCE, SECRET, SERVICE_SECRET } from '../server/support/gateway.ts';
import { type Program, run } from '../server/support/process.ts';
import type { BrokerKind } from '../support/brokers.ts';
import { freePort } from '../support/ports.ts';
import { TorturedBroker } from './tortured-broker.ts';

const ROOM = 2 * 1024 ** 3;
const RESTART_MS = 300;
const LISTENING = /answers at http:\/\/127\.0\.0\.1:(\d+)\//;

/** How Postgres is stopped: with a checkpoint, or like a crash, after which it recovers. */
export type StopMode = 'fast' | 'immediate';

/** One gateway, and the next ones on its port. */
export class Replica {
  readonly port: number;
  readonly #script: string;
  readonly #env: Record<string, string>;
  #program: Program | undefined;
  #isStopping = false;
  /** Unexpected ends. */
  readonly deaths: string[] = [];
  readonly #programs: Program[] = [];

  constructor(port: number, script: string, env: Record<string, string>) {
    this.port = port;
    this.#script = script;
    this.#env = env;
  }

  get isUp(): boolean {
    return this.#program !== undefined;
  }

  /** The errors that it has logged since the last call. */
  takeErrors(): string[] {
    const lines = this.#programs.flatMap((program) => program.stdout().split('\n'));
    this.#programs.splice(0, this.#programs.length - 1);
    return lines.flatMap((line) => {
      if (!line.startsWith('{') || !line.endsWith('}')) return [];
      const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
      return [`${msg}: ${err?.message}`];
    });
  }

  /** Resolves once it answers; tries again while its database is down. */
  async start(): Promise<void> {
    while (!this.#isStopping) {
      const program = run(this.#script, { ...this.#env, PORT: String(this.port) });
      this.#programs.push(program);
      const isUp = await program.prints(LISTENING).then(
        () => true,
        () => false,
      );
      if (!isUp) {
        await delay(RESTART_MS);
        continue;
      }
      this.#program = program;
      void program.ends().then((code) => {
        if (this.#program !== program) return;
        this.#program = undefined;
        this.deaths.push(`exit code ${code}: ${program.stderr().slice(-2_000)}`);
        void this.start();
      });
      return;
    }
  }

  /** Ends it: at once, or like a deployment. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    program?.child.kill(signal);
    await program?.ends();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.end('SIGKILL');
  }
}

/** Limits for few readers with many clients, and for writers that send everything at once. */
const PLENTY = RESOURCES.map((resource) => `${resource}=100000`).join();

export interface ClusterOptions {
  replicas: number;
  /** The broker of the gateways; left out, each reads Postgres. */
  broker?: BrokerKind;
  /** The program of a gateway; a built one starts faster. Default: src/main.ts. */
  script?: string;
  /** More settings of the gateways. */
  env?: Record<string, string>;
}

/** A Postgres with the migrated database, and gateways in front of it; all of them can be killed. */
export class Cluster {
  readonly replicas: Replica[] = [];
  broker: TorturedBroker | null = null;
  #dataDir = '';
  #postgres!: EmbeddedPostgres;

  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster();
    try {
      if (options.broker) cluster.broker = await TorturedBroker.start(options.broker);
      await cluster.#startDatabase(options);
      await Promise.all(cluster.replicas.map((replica) => replica.start()));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** The superuser's connection string. */
  get url(): string {
    return this.#postgres.url();
  }

  get liveReplicas(): Replica[] {
    return this.replicas.filter(({ isUp }) => isUp);
  }

  async restartPostgres(mode: StopMode): Promise<void> {
    const { pid, port, exited } = this.#postgres;
    if (mode === 'immediate') process.kill(pid, 'SIGQUIT');
    else void this.#postgres.stop();
    await exited;
    this.#postgres = await this.#launch(port);
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await this.broker?.stop();
    await (this.#postgres as EmbeddedPostgres | undefined)?.stop();
    if (this.#dataDir) await rm(this.#dataDir, { recursive: true, force: true });
  }

  async #startDatabase({
    replicas,
    script = 'src/main.ts',
    env = {},
  }: ClusterOptions): Promise<void> {
    this.#dataDir = await mkdtemp(join(await fastFolder(), 'codex-gateway-torture-'));
    this.#postgres = await this.#launch(await freePort());
    await migrate(this.url);
    const password = randomBytes(16).toString('hex');
    const client = new pg.Client(this.url);
    await client.connect();
    await client.query(`alter role codex_gateway login password '${password}'`);
    await client.end();
    const login = new URL(this.url);
    login.username = 'codex_gateway';
    login.password = password;
    for (let n = 0; n < replicas; n += 1) {
      const settings = {
        DATABASE_URL: login.href,
        JWT_SECRET: SECRET,
        SERVICE_JWT_SECRET: SERVICE_SECRET,
        JWT_AUDIENCE: AUDIENCE,
        LOG_LEVEL: 'error',
        PERSON_LIMITS: PLENTY,
        AGENT_LIMITS: PLENTY,
        WORKSPACE_LIMITS: PLENTY,
        ...this.broker?.env,
        ...env,
      };
      this.replicas.push(new Replica(await freePort(), script, settings));
    }
  }

  // Durable: answered COMMITs survive a crash. In memory that costs nothing.
  #launch(port: number): Promise<EmbeddedPostgres> {
    return startEmbeddedPostgres({
      dataDir: this.#dataDir,
      port,
      // Uncommitted changes are rarely written before a crash, so that a crash forgets more.
      settings: { max_connections: '200', wal_writer_delay: '10000ms' },
    });
  }
}

async function fastFolder(): Promise<string> {
  const free = await statfs('/dev/shm').then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return free > ROOM ? '/dev/shm' : tmpdir();
}
