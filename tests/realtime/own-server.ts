import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrator.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';

const PASSWORD = 'gateway';
const SETTINGS = {
  // Enough for a crash of the server, which the operating system survives.
  synchronous_commit: 'on',
  // Uncommitted changes are not written before a crash.
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_writer_delay: '10000ms',
};

/** A server of the test's own that keeps committed data, always at the same address. */
export class OwnServer {
  /** The migrated database. Its connections are made again after a restart. */
  readonly db: TestDatabase;
  readonly #folder: string;
  readonly #port: number;
  #server: EmbeddedPostgres;
  #dataDir: string;

  private constructor(folder: string, dataDir: string, server: EmbeddedPostgres) {
    this.#folder = folder;
    this.#dataDir = dataDir;
    this.#port = server.port;
    this.#server = server;
    this.db = openDatabase(server.url('app'), PASSWORD);
  }

  static async start(): Promise<OwnServer> {
    const folder = await mkdtemp(join(tmpdir(), 'codex-gateway-crash-'));
    const dataDir = join(folder, 'first');
    const server = await startEmbeddedPostgres({
      dataDir,
      durable: false,
      port: await freePort(),
      settings: SETTINGS,
    });
    const client = new pg.Client(server.url());
    await client.connect();
    await client.query('create database app');
    await migrate(server.url('app'));
    await client.query(`alter role codex_gateway login password '${PASSWORD}'`);
    await client.end();
    return new OwnServer(folder, dataDir, server);
  }

  /** Ends all of its processes at once, and starts it again. */
  async crash(): Promise<void> {
    process.kill(this.#server.pid, 'SIGQUIT');
    await this.#server.exited;
    await this.start();
  }

  async restart(settings: Record<string, string> = {}): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async start(settings: Record<string, string> = {}): Promise<void> {
    this.#server = await startEmbeddedPostgres({
      dataDir: this.#dataDir,
      durable: false,
      port: this.#port,
      settings: { ...SETTINGS, ...settings },
    });
  }

  /** Copies the data of the stopped server; returns the copy's name. */
  async copy(name: string): Promise<string> {
    const dataDir = join(this.#folder, name);
    await cp(this.#dataDir, dataDir, { recursive: true, preserveTimestamps: true });
    return dataDir;
  }

  /** Uses a copy from the next start on. */
  use(dataDir: string): void {
    this.#dataDir = dataDir;
  }

  /** Promotes a copy, like a standby: on a new timeline. */
  async failOver(): Promise<void> {
    const settings = { wal_level: 'replica' };
    await this.restart(settings);
    await this.stop();
    this.use(await this.copy('standby'));
    await writeFile(join(this.#dataDir, 'postgres', 'recovery.signal'), '');
    await this.start({ ...settings, restore_command: 'false' });
  }

  async remove(): Promise<void> {
    await this.db.close();
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
