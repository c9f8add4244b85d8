import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
} from '../../src/context/database/client.ts';
import { GatewayError } from '../../src/context/errors.ts';
import { runInSession } from '../../src/context/session.ts';
import { Work, WorkStoppedError } from '../../src/context/work.ts';
import { type Held, holding } from '../server/support/held.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type FrontDoor, openFrontDoor } from './front-door.ts';
import { LOCALHOST } from './localhost-certificate.ts';
import { createTenant, type Tenant } from './tenants.ts';

let testDatabase: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  tenant = await createTenant(testDatabase, 'a');
});
afterAll(() => testDatabase.close());

let sent: string[] = [];
let database: Database;
const open = (options: Partial<DatabaseOptions> = {}) =>
  createDatabase({
    connectionString: testDatabase.gatewayUrl,
    maxConnections: 4,
    onStatement: (sql) => sent.push(sql),
    ...options,
  });
beforeEach(() => {
  sent = [];
  database = open();
});
afterEach(() => database.close());

const during = <T>(work: Work, fn: () => Promise<T>) => runInSession(tenant.settings, fn, work);
const pid = async (at = database) => {
  const [row] = await during(new Work(), () =>
    at.query<{ pid: number }>('select pg_backend_pid() as pid'),
  );
  return row?.pid;
};
/** Begins something that a test waits for later, whatever becomes of it. */
const outcomeOf = (started: Promise<unknown>) => started.catch((error: unknown) => error);
const held = (test: (held: Held) => Promise<void>) => holding(testDatabase, test);
const nameOf = async (id = tenant.campaignIds[0]) => {
  const [row] = await testDatabase.query<{ name: string }>(
    'select name from campaigns where id = $1',
    [id],
  );
  return row?.name;
};
const rename = (name: string) => ({
  where: { id: tenant.campaignIds[0] as string },
  data: { name },
});
const LIMIT = new GatewayError('TIMEOUT', 'Too long.', { status: 504 });

/** The two ways in which work ends early. */
const ENDS = [
  ['its client goes', (work: Work) => work.leave(), 'CANCELLED'],
  ['it reaches a limit', (work: Work) => work.stop(LIMIT), 'TIMEOUT'],
] as const;

describe.each(ENDS)('when %s, work', (_, end, code) => {
  it.each([
    ['a read', (sql: string) => database.query(sql)],
    ['a read of Prisma', (sql: string) => database.prisma.$queryRawUnsafe(sql)],
    ['a snapshot', (sql: string) => database.inSnapshot(() => database.query(sql))],
  ])('has %s cancelled, and its connection serves others', async (_, read) => {
    const before = await pid();
    await held(async ({ sql, waiting }) => {
      const work = new Work();
      const reading = outcomeOf(during(work, () => read(sql)));
      await waiting();
      end(work);
      // Nobody waits for Postgres to notice.
      const error = await reading;
      expect(error).toBeInstanceOf(WorkStoppedError);
      expect((error as WorkStoppedError).reason.code).toBe(code);
      await waiting(0);
    });
    await eventually(() => database.connections()).toEqual({ total: 1, idle: 1, waiting: 0 });
    expect(await pid()).toBe(before);
  });

  it('starts none of the statements that wait for their turn, nor another one', async () => {
    await held(async ({ sql, waiting }) => {
      const work = new Work();
      const reading = during(work, () =>
        Promise.allSettled([
          ...Array.from({ length: 20 }, () => database.query(sql)),
          ...Array.from({ length: 20 }, () => database.prisma.campaign.findMany()),
        ]),
      );
      await waiting(2);
      end(work);
      const results = await reading;
      expect(results.map(({ status }) => status)).toEqual(Array(40).fill('rejected'));
      await expect(during(work, () => database.prisma.campaign.count())).rejects.toThrow(
        WorkStoppedError,
      );
      await expect(during(work, () => database.inSnapshot(async () => 1))).rejects.toThrow(
        WorkStoppedError,
      );
      expect(sent).toEqual([sql, sql]);
    });
  });

  it('begins no transaction', async () => {
    const work = new Work();
    end(work);
    const write = () => database.prisma.$transaction((tx) => tx.campaign.count());
    await expect(during(work, write)).rejects.toThrow(WorkStoppedError);
    await expect(during(work, () => database.transaction(async () => 1))).rejects.toThrow(
      WorkStoppedError,
    );
    expect(sent).toEqual([]);
  });

  it('gives up waiting for a connection that others have', async () => {
    await held(async ({ sql, waiting, release }) => {
      const others = [1, 2].map(() =>
        during(new Work(), () => Promise.all([database.query(sql), database.query(sql)])),
      );
      await waiting(4);
      const work = new Work();
      const reading = outcomeOf(during(work, () => database.query('select 1')));
      await eventually(() => database.connections().waiting).toBe(1);
      end(work);
      expect(await reading).toBeInstanceOf(WorkStoppedError);
      await release();
      await Promise.all(others);
    });
    expect(sent).not.toContain('select 1');
    await eventually(() => database.connections()).toEqual({ total: 4, idle: 4, waiting: 0 });
  });
});

describe('a transaction that has begun', () => {
  const WAYS = [
    [
      'of Prisma',
      (name: string, sql: string) =>
        database.prisma.$transaction(async (tx) => {
          await tx.campaign.update(rename(name));
          await tx.$queryRawUnsafe(sql);
          await tx.campaign.count();
        }),
    ],
    [
      'of a session',
      (name: string, sql: string) =>
        database.inTransaction(async (transaction) => {
          await database.prisma.campaign.update(rename(name));
          await database.query(sql);
          await database.prisma.campaign.count();
          await transaction.commit();
        }),
    ],
    [
      'in SQL',
      (name: string, sql: string) =>
        database.transaction(async (query) => {
          await query('update campaigns set name = $1 where id = $2', [
            name,
            tenant.campaignIds[0],
          ]);
          await query(sql);
          await query('select count(*) from campaigns');
        }),
    ],
  ] as const;

  it.each(WAYS)('%s is finished when its client goes', async (way, write) => {
    await held(async ({ sql, waiting, release }) => {
      const work = new Work();
      const writing = during(work, () => write(`finished ${way}`, sql));
      await waiting();
      work.leave();
      await waiting();
      await release();
      await writing;
    });
    expect(await nameOf()).toBe(`finished ${way}`);
  });

  it.each(WAYS)(
    '%s is rolled back at a limit, and its connection serves others',
    async (way, write) => {
      const before = await pid();
      const name = await nameOf();
      await held(async ({ sql, waiting }) => {
        const work = new Work();
        const writing = outcomeOf(during(work, () => write(`kept ${way}`, sql)));
        await waiting();
        work.stop(LIMIT);
        expect(await writing).toMatchObject({ name: 'WorkStoppedError', reason: LIMIT });
        await waiting(0);
      });
      expect(await nameOf()).toBe(name);
      expect(await pid()).toBe(before);
      const [{ open } = { open: -1 }] = await testDatabase.query<{ open: number }>(
        `select count(*)::int as open from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`,
      );
      expect(open).toBe(0);
    },
  );

  it('is finished before the connections are closed', async () => {
    const own = open();
    await held(async ({ sql, waiting, release }) => {
      const work = new Work();
      const writing = during(work, () =>
        own.prisma.$transaction(async (tx) => {
          await tx.campaign.update(rename('closing'));
          await tx.$queryRawUnsafe(sql);
        }),
      );
      await waiting();
      work.leave();
      const closing = own.close();
      await release();
      await Promise.all([writing, closing]);
    });
    expect(await nameOf()).toBe('closing');
  });

  it('is not committed once a limit is reached between its statements', async () => {
    const name = await nameOf();
    const work = new Work();
    const writing = during(work, () =>
      database.prisma.$transaction(async (tx) => {
        await tx.campaign.update(rename('too late'));
        work.stop(LIMIT);
      }),
    );
    await expect(writing).rejects.toThrow(WorkStoppedError);
    expect(await nameOf()).toBe(name);
    await eventually(() => database.connections().waiting).toBe(0);
  });

  it('may be tried again after its client has gone, as part of the same write', async () => {
    const work = new Work();
    const write = () => database.prisma.$transaction((tx) => tx.campaign.update(rename('again')));
    await during(work, () =>
      work.finish(async () => {
        work.leave();
        // What it reads outside of its transaction belongs to it too.
        await database.prisma.campaign.count();
        await write();
      }),
    );
    expect(await nameOf()).toBe('again');
    await expect(during(work, write)).rejects.toThrow(WorkStoppedError);
  });
});

describe('a request to cancel', () => {
  let door: FrontDoor;
  beforeEach(async () => {
    door = await openFrontDoor(testDatabase.gatewayUrl);
    await database.close();
    database = open({ connectionString: door.url, maxConnections: 1 });
  });
  afterEach(() => door.close());

  /** Has a read of 300 ms cancelled by a request that is kept at the door until it is over. */
  async function cancelLate(): Promise<void> {
    door.hold();
    const work = new Work();
    const reading = outcomeOf(during(work, () => database.query('select pg_sleep(0.3)')));
    await eventually(() => sent).toContain('select pg_sleep(0.3)');
    work.leave();
    await reading;
    await eventually(() => door.cancels.length).toBe(1);
    await eventually(() =>
      testDatabase.query(
        `select from pg_stat_activity where datname = current_database()
         and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()`,
      ),
    ).toEqual([]);
  }

  it('that arrives late hits nobody else: the connection waits for it', async () => {
    const before = await pid();
    await cancelLate();
    let isAnswered = false;
    const next = during(new Work(), () => database.query('select pg_sleep(0.2), 1 as one')).finally(
      () => {
        isAnswered = true;
      },
    );
    await eventually(() => database.connections().waiting).toBe(1);
    // A hundred statements elsewhere are time enough for one that was let through.
    for (let i = 0; i < 100; i += 1) await testDatabase.query('select 1');
    expect(isAnswered).toBe(false);
    expect(sent).not.toContain('select pg_sleep(0.2), 1 as one');
    door.letGo();
    expect(await next).toMatchObject([{ one: 1 }]);
    // A pooler may answer such a request before it passes it on: the connection is not trusted.
    expect(await pid()).not.toBe(before);
  });

  it('that is refused does not keep the connection, whose statement ends by itself', async () => {
    door.refuse();
    const work = new Work();
    const reading = outcomeOf(during(work, () => database.query('select pg_sleep(0.2)')));
    await eventually(() => sent).toContain('select pg_sleep(0.2)');
    work.leave();
    await reading;
    expect(await during(new Work(), () => database.query('select 2 as two'))).toEqual([{ two: 2 }]);
    expect(door.cancels.length).toBeGreaterThan(0);
  });

  it('is not sent for a statement that is answered in a moment', async () => {
    await pid();
    for (let i = 0; i < 20; i += 1) {
      const work = new Work();
      const reading = outcomeOf(during(work, () => database.query('select 1')));
      await Promise.resolve();
      work.leave();
      await reading;
    }
    await pid();
    expect(door.cancels.length).toBeLessThan(5);
  });

  it('is encrypted like its connection, and checks the same name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
    const tlsDoor = await openFrontDoor(testDatabase.gatewayUrl, LOCALHOST);
    try {
      const path = join(folder, 'root.pem');
      await writeFile(path, LOCALHOST.cert);
      const url = new URL(tlsDoor.url);
      url.searchParams.set('sslmode', 'verify-full');
      url.searchParams.set('sslrootcert', path);
      const encrypted = open({ connectionString: url.href });
      const before = await pid(encrypted);
      await held(async ({ sql, waiting }) => {
        const work = new Work();
        const reading = outcomeOf(during(work, () => encrypted.query(sql)));
        await waiting();
        work.leave();
        await reading;
        await waiting(0);
      });
      expect(tlsDoor.cancels).toEqual([{ encrypted: true }]);
      expect(await pid(encrypted)).toBe(before);
      await encrypted.close();
    } finally {
      await tlsDoor.close();
      await rm(folder, { recursive: true });
    }
  });
});
