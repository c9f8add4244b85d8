import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/context/database/client.ts';
import { SessionPool } from '../../src/context/database/pool.ts';
import { runInSession } from '../../src/context/session.ts';
import { PrismaClient } from '../../src/generated/prisma/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from './tenants.ts';

let testDatabase: TestDatabase;
let database: Database;
let a: Tenant;
let b: Tenant;
let statements: string[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  [a, b] = await Promise.all([createTenant(testDatabase, 'a'), createTenant(testDatabase, 'b')]);
  database = createDatabase({
    connectionString: testDatabase.gatewayUrl,
    onStatement: (sql) => statements.push(sql),
  });
});

beforeEach(() => {
  statements = [];
});

afterAll(async () => {
  await database.close();
  await testDatabase.close();
});

/** Looks up the same rows for both tenants in one tick. Returns the names that each tenant received. */
function lookUpInOneTick(prisma: PrismaClient): Promise<(string | undefined)[][]> {
  const ids = [a.campaignIds[0], b.campaignIds[0]].map((id) => id ?? '');
  return Promise.all(
    [a, b].map(({ settings }) =>
      runInSession(settings, async () => {
        const rows = await Promise.all(
          ids.map((id) => prisma.campaign.findUnique({ where: { id } })),
        );
        return rows.map((row) => row?.name);
      }),
    ),
  );
}

describe('look-ups of two tenants in one tick', () => {
  it('return only the rows of their own tenant', async () => {
    expect(await lookUpInOneTick(database.prisma)).toEqual([
      ['a', undefined],
      [undefined, 'b'],
    ]);
    expect(statements).toHaveLength(2);
  });

  it("would return other tenants' rows with Prisma's own batching, so it is not used", async () => {
    const pool = new SessionPool({ connectionString: testDatabase.gatewayUrl });
    const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
    try {
      expect(await lookUpInOneTick(prisma)).toEqual([
        ['a', undefined],
        ['a', undefined],
      ]);
    } finally {
      await prisma.$disconnect();
      await pool.end();
    }
  });

  it('return only the rows of their own tenant in transactions', async () => {
    const ready: (() => void)[] = [];
    // Both look-ups begin once both transactions are open, so that they run in the same tick.
    const bothReady = () =>
      new Promise<void>((resolve) => {
        ready.push(resolve);
        if (ready.length === 2) for (const go of ready) go();
      });
    const rows = await Promise.all(
      [a, b].map(({ settings }) =>
        runInSession(settings, () =>
          database.prisma.$transaction(async (tx) => {
            await bothReady();
            return Promise.all(
              [a, b].map(({ campaignIds: [id = ''] }) => tx.campaign.findUnique({ where: { id } })),
            );
          }),
        ),
      ),
    );
    expect(rows.map((found) => found.map((row) => row?.name))).toEqual([
      ['a', undefined],
      [undefined, 'b'],
    ]);
  });

  it('are refused in transactions that are given as arrays', async () => {
    const { prisma } = database;
    const [id = ''] = a.campaignIds;
    await runInSession(a.settings, async () => {
      await expect(prisma.$transaction([prisma.campaign.count()])).rejects.toThrow(/function/);
      await expect(
        prisma.$transaction([
          prisma.campaign.findUnique({ where: { id } }),
          prisma.campaign.findUnique({ where: { id } }),
        ]),
      ).rejects.toThrow(/function/);
      await expect(prisma.$transaction([prisma.$queryRaw`select 1`])).rejects.toThrow(/function/);
    });
    expect(statements).toEqual([]);
  });
});

describe('a look-up', () => {
  const inA = <T>(fn: (prisma: PrismaClient) => Promise<T>) =>
    runInSession(a.settings, () => fn(database.prisma));

  it('is one statement for all rows of a tick, including duplicate and missing ones', async () => {
    const ids = [...a.campaignIds, ...a.campaignIds.slice(0, 3), randomUUID(), b.campaignIds[0]];
    const rows = await inA((prisma) =>
      Promise.all(
        ids.map((id = '') =>
          prisma.campaign.findUnique({ where: { id, workspaceId: a.workspaceId } }),
        ),
      ),
    );
    expect(rows.map((row) => row?.id)).toEqual([
      ...a.campaignIds,
      ...a.campaignIds.slice(0, 3),
      undefined,
      undefined,
    ]);
    expect(statements).toHaveLength(1);
  });

  it('prepares only a few statements for different numbers of rows', async () => {
    for (let count = 1; count <= 20; count += 1) {
      const rows = await inA((prisma) =>
        Promise.all(
          a.campaignIds
            .slice(0, count)
            .map((id) => prisma.campaign.findUnique({ where: { id }, select: { name: true } })),
        ),
      );
      expect(rows.filter((row) => row !== null)).toHaveLength(count);
    }
    expect(statements).toHaveLength(20);
    expect(new Set(statements).size).toBe(6);
  });

  it('is one statement for each shape of arguments', async () => {
    const [first = '', second = ''] = a.campaignIds;
    const [x, y, z] = await inA((prisma) =>
      Promise.all([
        prisma.campaign.findUnique({ where: { id: first }, select: { name: true } }),
        prisma.campaign.findUnique({ where: { id: second }, include: { workspace: true } }),
        prisma.campaign.findUnique({
          where: { id: second },
          omit: { id: true, description: true },
        }),
      ]),
    );
    expect(x?.name).toBe('a');
    expect(y?.workspace.id).toBe(a.workspaceId);
    expect(z).toMatchObject({ name: 'a' });
    expect(z).not.toHaveProperty('description');
    expect(statements).toHaveLength(3);
  });

  it('supports compound keys, and conditions on several columns', async () => {
    const sub = a.settings.claims.sub;
    const [member, none, ...campaigns] = await inA((prisma) =>
      Promise.all([
        prisma.workspaceMember.findUnique({
          where: { userId_workspaceId: { userId: sub, workspaceId: a.workspaceId } },
        }),
        prisma.workspaceMember.findUnique({
          where: { userId_workspaceId: { userId: randomUUID(), workspaceId: b.workspaceId } },
        }),
        ...a.campaignIds.map((id, index) =>
          prisma.campaign.findUnique({ where: { id, name: index % 2 === 0 ? 'a' : 'other' } }),
        ),
      ]),
    );
    expect(member).toMatchObject({ userId: sub, role: 'Owner' });
    expect(none).toBeNull();
    expect(campaigns.map((row) => row !== null)).toEqual(
      a.campaignIds.map((_, index) => index % 2 === 0),
    );
    expect(statements).toHaveLength(2);
  });

  it('finds rows by other spellings of an id and by conditions other than equality', async () => {
    const [first = '', second = '', third = ''] = a.campaignIds;
    const found = await inA((prisma) =>
      Promise.all([
        prisma.campaign.findUnique({ where: { id: first.toUpperCase() } }),
        prisma.campaign.findUnique({ where: { id: second.replaceAll('-', '') } }),
        prisma.campaign.findUnique({ where: { id: third, name: { startsWith: 'a' } } }),
        prisma.campaign.findUnique({ where: { id: third, AND: [{ name: 'b' }] } }),
        prisma.campaign.findUnique({ where: { id: third, workspace: { id: a.workspaceId } } }),
        prisma.campaign.findUnique({ where: { id: third, positioningId: null } }),
      ]),
    );
    expect(found.map((row) => row?.id)).toEqual([first, second, third, undefined, third, third]);
  });

  it('rejects with P2025 if a required row is missing', async () => {
    const [id = ''] = a.campaignIds;
    await inA(async (prisma) => {
      await expect(prisma.campaign.findUniqueOrThrow({ where: { id } })).resolves.toMatchObject({
        id,
      });
      await expect(
        prisma.campaign.findUniqueOrThrow({ where: { id: randomUUID() } }),
      ).rejects.toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'P2025' });
    });
  });

  it('sees the latest writes of its session, inside and outside of a transaction', async () => {
    const [id = ''] = a.campaignIds;
    await inA(async (prisma) => {
      const objectiveOf = async (client: Pick<PrismaClient, 'campaign'>) =>
        (await client.campaign.findUnique({ where: { id } }))?.objective;
      await prisma.campaign.update({ where: { id }, data: { objective: 'one' } });
      expect(await objectiveOf(prisma)).toBe('one');
      await prisma.$transaction(async (tx) => {
        await tx.campaign.update({ where: { id }, data: { objective: 'two' } });
        expect(await objectiveOf(tx)).toBe('two');
        expect(await objectiveOf(prisma)).toBe('one');
      });
      expect(await objectiveOf(prisma)).toBe('two');
    });
  });

  it('returns chained relations', async () => {
    const [id = ''] = a.campaignIds;
    const [workspace, members, missing] = await inA((prisma) =>
      Promise.all([
        prisma.campaign.findUnique({ where: { id } }).workspace(),
        prisma.campaign.findUnique({ where: { id } }).workspace().members(),
        prisma.campaign.findUnique({ where: { id: randomUUID() } }).workspace(),
      ]),
    );
    expect(workspace?.id).toBe(a.workspaceId);
    expect(members).toHaveLength(1);
    expect(missing).toBeNull();
  });

  it('fails for every caller when its statement fails', async () => {
    const results = await inA((prisma) =>
      Promise.allSettled(
        ['not a uuid', a.campaignIds[0] ?? ''].map((id) =>
          prisma.campaign.findUnique({ where: { id } }),
        ),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
