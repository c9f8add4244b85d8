import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect, vi } from 'vitest';
import type { PoolMode } from '../../src/env.ts';
import type { BrokerFactory } from '../../src/realtime/broker.ts';
import { NatsBroker } from '../../src/realtime/nats.ts';
import type { Position } from '../../src/realtime/position.ts';
import type { PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { RedisBroker } from '../../src/realtime/redis.ts';
import type { Role } from '../../src/realtime/replica-relay.ts';
import { createSharedFeed } from '../../src/realtime/shared-feed.ts';
import { type BrokerKind, BrokerServer } from '../support/brokers.ts';
import type { TestDatabase } from '../support/database.ts';
import { Deliveries } from '../support/deliveries.ts';
import { endOfLog } from '../support/log.ts';
import { Received } from './alerts.ts';

/** A takeover takes two seconds, and the machine may be busy. */
export const SOON = { timeout: 10_000, interval: 10 };

/** The feed of one of several gateways. */
export interface Replica {
  feed: PostgresFeed;
  role: Role;
  /** All its roles so far, oldest first. */
  roles: readonly Role[];
  received: Received;
  /** What was committed while it was there, and what it delivered. */
  deliveries: Deliveries;
  /** Errors of the broker and of Postgres. */
  errors: unknown[];
}

interface ReplicaOptions {
  connectionString?: string;
  poolMode?: PoolMode;
  directUrl?: string;
  pageSize?: number;
  /** Stands between the replica and the broker. */
  wrap?: (createBroker: BrokerFactory) => BrokerFactory;
}

/** Replicas with a broker of their own. */
export class Replicas {
  readonly server: BrokerServer;
  readonly #db: TestDatabase;
  readonly #kind: BrokerKind;
  all: Replica[] = [];

  private constructor(server: BrokerServer, db: TestDatabase, kind: BrokerKind) {
    this.server = server;
    this.#db = db;
    this.#kind = kind;
  }

  static async start(kind: BrokerKind, db: TestDatabase): Promise<Replicas> {
    return new Replicas(await BrokerServer.start(kind), db, kind);
  }

  async open(count: number, options: ReplicaOptions = {}): Promise<Replica[]> {
    const opened = await Promise.all(Array.from({ length: count }, () => this.#open(options)));
    this.all.push(...opened);
    return opened;
  }

  async #open({ wrap = (factory) => factory, ...options }: ReplicaOptions): Promise<Replica> {
    const OwnBroker = this.#kind === 'nats' ? NatsBroker : RedisBroker;
    const errors: unknown[] = [];
    const roles: Role[] = ['alone'];
    const feed = await createSharedFeed(
      {
        connectionString: this.#db.gatewayUrl,
        ...options,
        onRoleChange: (role) => roles.push(role),
        onBrokerError: (error) => errors.push(error),
        onError: (error) => errors.push(error),
      },
      wrap((events) => new OwnBroker(this.server.url, events)),
    );
    const deliveries = new Deliveries();
    feed.listen(({ changes }) => {
      for (const { rowId } of changes) deliveries.delivered(rowId);
    });
    return {
      feed,
      get role() {
        return roles.at(-1) ?? 'alone';
      },
      roles,
      received: new Received(feed),
      deliveries,
      errors,
    };
  }

  /** Roles in alphabetical order. */
  get roles(): Role[] {
    return this.all.map(({ role }) => role).sort();
  }

  get reader(): Replica {
    const [reader] = this.all.filter(({ role }) => role === 'reader');
    if (!reader) throw new Error('There is no reader');
    return reader;
  }

  get followers(): Replica[] {
    return this.all.filter(({ role }) => role === 'follower');
  }

  become(...roles: Role[]): Promise<void> {
    return vi.waitFor(() => expect(this.roles).toEqual(roles), SOON);
  }

  /** Waits for a reader and followers that have received everything, and forgets what they received. */
  async settle(): Promise<void> {
    const [, ...others] = this.all;
    await this.become(...others.map((): Role => 'follower'), 'reader');
    const position = await this.position();
    await Promise.all(this.all.map(({ feed }) => feed.reach(position)));
    for (const replica of this.all) {
      replica.received.stop();
      replica.received = new Received(replica.feed);
      replica.errors.length = 0;
    }
  }

  /** The end of the log. */
  position(): Promise<Position> {
    return endOfLog(this.#db);
  }

  /** Expects that all replicas soon have received these rows and nothing else, in this order. */
  receive(ids: readonly string[]): Promise<void> {
    return vi.waitFor(() => {
      for (const { received } of this.all) expect(received.ids).toEqual(ids);
    }, SOON);
  }

  /** Raises alerts in transactions that take their time, of which some are rolled back. */
  async write(workspaceId: string, milliseconds: number): Promise<void> {
    const client = new pg.Client(this.#db.url);
    await client.connect();
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      const begun = Deliveries.now();
      const ids = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => randomUUID());
      await client.query('begin');
      for (const id of ids) {
        await client.query(
          `insert into system_alerts (id, workspace_id, alert_type, title) values ($1, $2, 'error', 'A')`,
          [id, workspaceId],
        );
        if (Math.random() < 0.3) await delay(Math.random() * 20);
      }
      const isKept = Math.random() < 0.8;
      await client.query(isKept ? 'commit' : 'rollback');
      if (isKept) for (const { deliveries } of this.all) deliveries.committed(ids, begun);
    }
    await client.end();
  }

  /** The backends that hold an advisory lock in the database. */
  async lockHolders(): Promise<number[]> {
    const rows = await this.#db.query<{ pid: number }>(
      `select pid from pg_locks join pg_database on pg_database.oid = database
       where locktype = 'advisory' and granted and datname = current_database()`,
    );
    return rows.map(({ pid }) => pid);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.all.splice(0).map(({ feed }) => feed.close()));
  }

  async stop(): Promise<void> {
    await this.closeAll();
    await this.server.stop();
  }
}

/** Returns a broker whose messages go through `intercept`, which passes them on. */
export function intercepted(
  intercept: (pass: () => void) => void,
): (createBroker: BrokerFactory) => BrokerFactory {
  return (createBroker) => (events) => {
    const broker = createBroker(events);
    return {
      get isConnected() {
        return broker.isConnected;
      },
      get maxBytes() {
        return broker.maxBytes;
      },
      publish: (subject, message) => broker.publish(subject, message),
      subscribe: (subject, listener) =>
        broker.subscribe(subject, (message) => intercept(() => listener(message))),
      close: () => broker.close(),
    };
  };
}

/** Loses, repeats, delays and reorders messages. */
export const unreliable = intercepted((pass) => {
  const copies = [0, 1, 1, 1, 1, 2][Math.floor(Math.random() * 6)] ?? 1;
  for (let n = 0; n < copies; n++) setTimeout(pass, Math.random() ** 4 * 60);
});
