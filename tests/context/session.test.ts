import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/context/database/client.ts';
import { runInSession, SessionRequiredError } from '../../src/context/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from './tenants.ts';

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
      // A thousand statements wait for five connections.
      acquireTimeoutMs: 50_000,
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

  it('shows no rows without a workspace', async () => {
    const { workspaceId: _, ...settings } = a.settings;
    const campaigns = await runInSession(settings, () => database.prisma.campaign.findMany());
    expect(campaigns).toEqual([]);
  });

  it('is required: statements outside of one are refused and not sent', async () => {
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

  it('treats claims as data, with any characters in them', async () => {
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

  it('is reported with each of its statements', async () => {
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
