import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/context/database/client.ts';
import { SessionPool } from '../../src/context/database/pool.ts';
import { runInSession, SessionRequiredError } from '../../src/context/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from './tenants.ts';
import { tapWire, type Wire } from './wire.ts';

const WHO = `select current_user as role, auth.uid() as person,
  current_workspace_id() as workspace, pg_backend_pid() as pid`;

interface Who {
  role: string;
  person: string;
  workspace: string;
  pid: number;
}

let testDatabase: TestDatabase;
let a: Tenant;
let b: Tenant;
let c: Tenant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  [a, b, c] = await Promise.all([
    createTenant(testDatabase, 'a'),
    createTenant(testDatabase, 'b', 30),
    createTenant(testDatabase, 'c', 40),
  ]);
});

afterAll(() => testDatabase.close());

describe('a session', () => {
  let database: Database;
  const sent: string[] = [];

  beforeAll(() => {
    database = createDatabase({
      connectionString: testDatabase.gatewayUrl,
      maxConnections: 5,
      onStatement: (sql, { workspaceId }) => sent.push(`${workspaceId}: ${sql}`),
    });
  });

  afterAll(() => database.close());

  it('gives each statement its role, claims and workspace', async () => {
    const [who] = await runInSession(a.settings, () => database.query<Who>(WHO));
    expect(who).toMatchObject({
      role: 'authenticated',
      person: a.settings.claims.sub,
      workspace: a.workspaceId,
    });
  });

  it('shows nothing of a tenant without a workspace', async () => {
    const { workspaceId: _, ...settings } = a.settings;
    const campaigns = await runInSession(settings, () => database.prisma.campaign.findMany());
    expect(campaigns).toEqual([]);
  });

  it('refuses statements outside of one, before they are sent', async () => {
    sent.length = 0;
    const { prisma, query, transaction } = database;
    const [id = ''] = a.campaignIds;
    await expect(prisma.campaign.findMany()).rejects.toThrow(SessionRequiredError);
    await expect(prisma.campaign.findUnique({ where: { id } })).rejects.toThrow(
      SessionRequiredError,
    );
    await expect(prisma.$queryRaw`select 1`).rejects.toThrow(SessionRequiredError);
    await expect(prisma.$transaction((tx) => tx.campaign.count())).rejects.toThrow(
      SessionRequiredError,
    );
    await expect(query('select 1')).rejects.toThrow(SessionRequiredError);
    await expect(transaction((run) => run('select 1'))).rejects.toThrow(SessionRequiredError);
    expect(sent).toEqual([]);
    expect(database.connections().waiting).toBe(0);
  });

  it('takes claims as data, whatever is in them', async () => {
    const note = `'); reset role; -- \\ " $1 \u{1F600} \ud800 \u0007`;
    const claims = { ...a.settings.claims, note };
    const [row] = await runInSession({ ...a.settings, claims }, () =>
      database.query<{ claims: string; role: string }>(
        "select current_setting('request.jwt.claims') as claims, current_user as role",
      ),
    );
    expect(row?.role).toBe('authenticated');
    expect(JSON.parse(row?.claims ?? '')).toEqual(claims);
  });

  it('reports each statement with its session', async () => {
    sent.length = 0;
    await runInSession(b.settings, () => database.query('select 1'));
    expect(sent).toEqual([`${b.workspaceId}: select 1`]);
  });

  it('never mixes three tenants over 1,000 concurrent statements on 5 connections', async () => {
    const { prisma, query, transaction } = database;
    const expectOwn = (tenant: Tenant, names: string[], name: string) => {
      expect(new Set(names)).toEqual(new Set([name]));
      expect(names).toHaveLength(tenant.campaignIds.length);
    };
    const kinds = [
      async (tenant: Tenant, name: string) => {
        const rows = await prisma.campaign.findMany({ select: { name: true } });
        expectOwn(
          tenant,
          rows.map((row) => row.name),
          name,
        );
      },
      async (tenant: Tenant, name: string) => {
        const rows = await query<{ name: string }>('select name from campaigns');
        expectOwn(
          tenant,
          rows.map((row) => row.name),
          name,
        );
      },
      async (tenant: Tenant, name: string) => {
        const rows = await prisma.$transaction(
          async (tx) => {
            await tx.campaign.updateMany({
              where: { id: tenant.campaignIds[0] ?? '' },
              data: { totalReach: 1 },
            });
            return tx.campaign.findMany();
          },
          { maxWait: 20_000, timeout: 20_000 },
        );
        expectOwn(
          tenant,
          rows.map((row) => row.name),
          name,
        );
      },
      async (tenant: Tenant, name: string) => {
        const rows = await transaction((run) =>
          run<{ name: string }>('select name from campaigns'),
        );
        expectOwn(
          tenant,
          rows.map((row) => row.name),
          name,
        );
      },
      async (tenant: Tenant, name: string) => {
        const ids = [a, b, c].map(({ campaignIds }) => campaignIds[3] ?? '');
        const rows = await Promise.all(
          ids.map((id) => prisma.campaign.findUnique({ where: { id } })),
        );
        expect(rows.filter((row) => row !== null).map((row) => row.name)).toEqual([name]);
        expect(rows.find((row) => row !== null)?.id).toBe(tenant.campaignIds[3]);
      },
      async () => {
        await expect(query('select 1 / 0')).rejects.toThrow('division by zero');
      },
    ];
    const named = [
      [a, 'a'],
      [b, 'b'],
      [c, 'c'],
    ] as const;
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => {
        const [tenant, name] = named[index % 3] ?? named[0];
        return runInSession(tenant.settings, () =>
          kinds[(index % 7) % kinds.length]?.(tenant, name),
        );
      }),
    );
    expect(database.connections().total).toBeLessThanOrEqual(5);
    expect(database.connections().waiting).toBe(0);
  }, 60_000);
});

describe('on the wire', () => {
  let wire: Wire;
  let database: Database;
  let roundTrips = 0;

  beforeAll(async () => {
    wire = await tapWire(testDatabase.gatewayUrl);
    database = createDatabase({
      connectionString: wire.url,
      maxConnections: 1,
      onRoundTrip: () => {
        roundTrips += 1;
      },
    });
  });

  afterAll(async () => {
    await database.close();
    await wire.close();
  });

  /** Returns the messages that `fn` makes the client send in a's session. */
  async function messagesOf(fn: () => Promise<unknown>): Promise<string> {
    wire.taken();
    roundTrips = 0;
    await runInSession(a.settings, fn);
    const messages = wire.taken();
    expect(roundTrips).toBe(messages.split('S').length - 1);
    return messages;
  }

  it('a read is one batch with one Sync, prepared the first time', async () => {
    const read = () => database.prisma.campaign.findMany({ where: { name: 'a' } });
    expect(await messagesOf(read)).toBe('PBEPBDES');
    expect(await messagesOf(read)).toBe('BEBES');
    expect(await messagesOf(() => database.query('select 1 as one'))).toBe('BEPBDES');
    expect(await messagesOf(() => database.query('select 1 as one'))).toBe('BEBES');
  });

  it('a nested read with relations is one batch too', async () => {
    const read = () =>
      database.prisma.campaign.findMany({
        include: { workspace: true, quests: { take: 5 }, _count: { select: { quests: true } } },
      });
    expect(await messagesOf(read)).toBe('BEPBDES');
  });

  it('a transaction with one statement is two round trips, an empty one none', async () => {
    const write = () =>
      database.prisma.$transaction((tx) => tx.campaign.updateMany({ data: { totalReach: 2 } }));
    await messagesOf(write);
    expect(await messagesOf(write)).toBe('BEBEBES' + 'BES');
    await messagesOf(() => database.transaction((query) => query('select 1 as one')));
    expect(await messagesOf(() => database.transaction((query) => query('select 1 as one')))).toBe(
      'BEBEBES' + 'BES',
    );
    expect(await messagesOf(() => database.transaction(async () => 1))).toBe('');
  });

  it('a statement given up beyond the limit is closed on the server', async () => {
    for (let index = 0; index < 110; index += 1) {
      await runInSession(a.settings, () => database.query(`select ${index} as number`));
    }
    expect(await messagesOf(() => database.query('select 1000 as number'))).toBe('CBEPBDES');
    const [count] = await runInSession(a.settings, () =>
      database.query<{ count: string }>('select count(*) from pg_prepared_statements'),
    );
    expect(Number(count?.count)).toBe(100);
  });
});

describe('a connection', () => {
  let pool: SessionPool;

  beforeAll(() => {
    pool = new SessionPool({ connectionString: testDatabase.gatewayUrl, maxConnections: 1 });
  });

  afterAll(() => pool.end());

  /** Looks at the pool's connection past the session. */
  async function leftovers() {
    const client = await new Promise<pg.PoolClient>((resolve, reject) => {
      pg.Pool.prototype.connect.call(pool, (error, taken) =>
        taken ? resolve(taken) : reject(error),
      );
    });
    try {
      const { rows } = await client.query(
        `select session_user = current_user as own_role, pg_backend_pid() as pid,
           coalesce(current_setting('request.jwt.claims', true), '') as claims,
           coalesce(current_setting('app.current_workspace_id', true), '') as workspace,
           current_setting('timezone') as timezone`,
      );
      expect(client.getTransactionStatus()).toBe('I');
      return rows[0];
    } finally {
      client.release();
    }
  }

  const clean = { own_role: true, claims: '', workspace: '', timezone: 'UTC' };

  it('keeps nothing of a session after success, error, commit and rollback', async () => {
    const run = (text: string) => runInSession(a.settings, () => pool.run({ text }));
    const transact = (...texts: string[]) =>
      runInSession(a.settings, async () => {
        const transaction = await pool.begin();
        try {
          for (const text of texts) await transaction.query({ text });
        } finally {
          transaction.release();
        }
      });
    await run(WHO);
    const { pid } = await leftovers();
    expect(await leftovers()).toEqual({ ...clean, pid });
    await expect(run('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    expect(await leftovers()).toEqual({ ...clean, pid });
    await expect(run('select nonsense')).rejects.toMatchObject({ code: '42703' });
    expect(await leftovers()).toEqual({ ...clean, pid });
    await transact('BEGIN', WHO, 'COMMIT');
    expect(await leftovers()).toEqual({ ...clean, pid });
    await transact('BEGIN', WHO, 'ROLLBACK');
    expect(await leftovers()).toEqual({ ...clean, pid });
  });

  it('is closed when its transaction was left unfinished', async () => {
    const { pid } = await leftovers();
    await runInSession(a.settings, async () => {
      const transaction = await pool.begin();
      await transaction.query({ text: WHO });
      transaction.release();
    });
    const after = await leftovers();
    expect(after).toMatchObject(clean);
    expect(after.pid).not.toBe(pid);
  });

  it('is in UTC whatever options the connection string has', async () => {
    const url = new URL(testDatabase.gatewayUrl);
    url.searchParams.set('options', '-c timezone=Asia/Kolkata -c enable_seqscan=off');
    const other = createDatabase({ connectionString: url.href });
    try {
      const [row] = await runInSession(a.settings, () =>
        other.query(
          "select current_setting('timezone') as zone, current_setting('enable_seqscan') as seqscan",
        ),
      );
      expect(row).toEqual({ zone: 'UTC', seqscan: 'off' });
    } finally {
      await other.close();
    }
  });

  it('prepares statements anew when their tables have changed', async () => {
    await testDatabase.query('create table changing (value int)');
    await testDatabase.query('grant select on changing to authenticated');
    await testDatabase.query('insert into changing values (1)');
    const read = () => runInSession(a.settings, () => pool.run({ text: 'select * from changing' }));
    expect((await read()).rows).toEqual([{ value: 1 }]);
    expect((await read()).rows).toEqual([{ value: 1 }]);
    await testDatabase.query('alter table changing alter value type text');
    expect((await read()).rows).toEqual([{ value: '1' }]);
    await testDatabase.query('alter table changing add other int');
    expect((await read()).rows).toEqual([{ value: '1', other: null }]);
  });

  it('carries big results and awkward strings', async () => {
    const strings = ["'; drop table campaigns; --", '\\', '\u{1F600}\r\n\t', '$1', '', '{"a":1}'];
    const { rows } = await runInSession(a.settings, () =>
      pool.run({
        text: `select $1::text[] as strings, $2::text as big, $3::jsonb as json, $4::bytea as bytes
               from generate_series(1, 200)`,
        values: [strings, 'x'.repeat(100_000), { strings }, Buffer.from([0, 255, 1])],
      }),
    );
    expect(rows).toHaveLength(200);
    expect(rows[199]).toEqual({
      strings,
      big: 'x'.repeat(100_000),
      json: { strings },
      bytes: Buffer.from([0, 255, 1]),
    });
  });
});
