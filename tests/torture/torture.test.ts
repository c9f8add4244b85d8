import { randomInt, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBroker } from '../support/brokers.ts';
import { letReadersBe } from '../support/log.ts';
import { lostFrom } from './checker.ts';
import { Cluster } from './cluster.ts';
import { type Change, keyOf, Ledger } from './ledger.ts';
import { NaiveReader, NOT_CUT_OFF } from './naive-readers.ts';
import { Random } from './random.ts';
import { alerts } from './tables.ts';
import { type TortureReport, torture } from './torture.ts';
import { createWorld } from './world.ts';

const NOTHING_WRONG = {
  lost: [],
  twice: [],
  disordered: [],
  foreign: [],
  stale: [],
  problems: [],
};
const SECONDS = 6;
const PATIENCE_MS = 120_000;
const BROKERS = (['nats', 'redis'] as const).filter(hasBroker);

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ replicas: 2 });
}, PATIENCE_MS);

afterAll(() => cluster?.stop());

describe('subscriptions', () => {
  const reports: TortureReport[] = [];

  it.each([
    ['fixed', null],
    // A random one of the brokers, since each takes its time.
    [`random ${randomUUID()}`, BROKERS[randomInt(2)] ?? BROKERS[0] ?? null],
  ])(
    'deliver every committed change once, in order, and to its receivers only, with the seed "%s" and the broker %s',
    async (seed, broker) => {
      const tortured = broker ? await Cluster.start({ replicas: 2, broker }) : cluster;
      try {
        const report = await torture(tortured, {
          seed,
          durationMs: SECONDS * 1_000,
          sqlWriters: 4,
          graphqlWriters: 2,
          pauseMs: 30,
          troubleMs: 700,
          immediate: true,
          naively: true,
        });
        reports.push(report);
        expect(report).toMatchObject(NOTHING_WRONG);
        expect(report.delivered).toBeGreaterThan(500);
        expect(report.changes).toBeGreaterThan(50);
        if (broker) expect(report.events[`${broker}: message carried`]).toBeGreaterThan(0);
      } finally {
        if (tortured !== cluster) await tortured.stop();
      }
    },
    PATIENCE_MS,
  );

  it('would lose changes with a cursor over a column', () => {
    const lost = (name: string) =>
      reports.reduce((sum, { lostNaively }) => sum + (lostNaively[name] ?? 0), 0);
    expect(lost('cursor over seq')).toBeGreaterThan(0);
    expect(lost('cursor over occurred_at')).toBeGreaterThan(0);
  });
});

describe('a reader whose snapshots are not cut off', () => {
  it('loses changes after a crash, which the checker reports', async () => {
    const { workspaces } = await createWorld(cluster.url);
    const ledger = new Ledger();
    const reader = new NaiveReader(NOT_CUT_OFF);
    const connect = async () => {
      const client = new pg.Client(cluster.url);
      client.on('error', () => {});
      await client.connect();
      return client;
    };
    const raise = async (client: pg.Client) => {
      const id = randomUUID();
      const row = { table: alerts, id, mayBeGone: false } as Change['row'];
      await client.query(
        `insert into system_alerts (id, workspace_id, alert_type, title) values ($1, $2, 'error', 'A')`,
        [id, workspaces[0]?.id],
      );
      ledger.commit([
        { row, operation: 'INSERT', number: 0, isStep: false, statement: 1, writer: '', begun: 0 },
      ]);
      return keyOf(id, 'INSERT');
    };

    const before = await connect();
    await raise(before);
    await letReadersBe((sql) => before.query(sql));
    await reader.read(before);
    // These write nothing before the crash: their ids are reused after it.
    for (let n = 0; n < 200; n += 1) {
      await before.query('begin; select pg_current_xact_id(); rollback');
    }
    await reader.read(before);
    expect(lostFrom(reader.keys, ledger)).toBe(0);
    await cluster.restartPostgres('immediate');
    const after = await connect();
    const key = await raise(after);
    await reader.read(after);
    expect(reader.keys).not.toContain(key);
    expect(lostFrom(reader.keys, ledger)).toBe(1);
    await after.end();
  });
});

describe('random numbers', () => {
  it('are the same for the same seed, independent of other parts', () => {
    const draw = (random: Random) => Array.from({ length: 5 }, () => random.next());
    const one = new Random('a');
    const other = new Random('a');
    draw(other.of('x'));
    expect(draw(other)).toEqual(draw(one));
    expect(draw(new Random('a').of('x'))).toEqual(draw(new Random('a').of('x')));
    expect(draw(new Random('b'))).not.toEqual(draw(new Random('a')));
  });
});
