import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../src/server/database.ts';
import { createReadiness, type Readiness } from '../../src/server/readiness.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readMigrations } from '../support/migrations.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
/** Longer than the result of a check is cached. */
const NEXT_CHECK_MS = 1_100;

let names: string[];

beforeAll(async () => {
  names = (await readMigrations()).map(({ name }) => name);
});

describe('while the database is unreachable', () => {
  let database: TestDatabase;
  let proxy: DatabaseProxy;
  let readiness: Readiness;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await startProxy(database.gatewayUrl);
    readiness = createReadiness(proxy.url, names);
    gateway = await startGateway(proxy.url, { checkReadiness: readiness.check });
  });

  afterAll(async () => {
    await gateway?.close();
    await readiness?.close();
    proxy?.close();
    await database?.close();
  });

  it('the server is live but not ready, refuses requests with the reason, and recovers', async () => {
    const authorization = `Bearer ${await token({ sub: PERSON })}`;
    expect(await gateway.send('/health/ready')).toMatchObject({
      status: 200,
      text: '{"status":"ready"}',
    });
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });

    proxy.cut();
    await delay(NEXT_CHECK_MS);
    const unready = await gateway.send('/health/ready');
    expect(unready.status).toBe(503);
    expect(JSON.parse(unready.text)).toEqual({
      status: 'unavailable',
      check: 'database',
      message: 'The database does not answer.',
    });
    expect((await gateway.send('/health/live')).status).toBe(200);
    const refused = await gateway.ask('{ me }', { authorization });
    expect(refused.status).toBe(503);
    expect(refused.errors?.[0]?.extensions).toEqual({ code: 'SERVICE_UNAVAILABLE' });
    expect(refused.errors?.[0]?.message).toMatch(/database is out of reach/);
    expect(refused.text).not.toMatch(/127\.0\.0\.1|ECONN|codex_gateway/);

    await delay(NEXT_CHECK_MS);
    await gateway.send('/health/ready');
    const complaints = gateway.log.filter(({ msg }) => msg === 'Not ready');
    expect(complaints).toHaveLength(1);

    proxy.restore();
    await delay(NEXT_CHECK_MS);
    expect((await gateway.send('/health/ready')).status).toBe(200);
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });
  });
});

describe('frequent probes', () => {
  it('share one check', async () => {
    const database = await createTestDatabase();
    let checks = 0;
    // The time does not pass, however slowly the probes arrive.
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
    const gateway = await startGateway(database.gatewayUrl, {
      checkReadiness: async () => {
        checks += 1;
      },
    });
    try {
      const answers = Array.from({ length: 20 }, () => gateway.send('/health/ready'));
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(200));
      expect(checks).toBe(1);
    } finally {
      now.mockRestore();
      await gateway.close();
      await database.close();
    }
  });
});

describe('a database', () => {
  const check = async (url: string) => {
    const readiness = createReadiness(url, names);
    try {
      await readiness.check();
      return 'ready';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await readiness.close();
    }
  };

  /** As the owner, who can read the migrations table, and as the gateway, which cannot. */
  const checkBoth = async ({ url, gatewayUrl }: TestDatabase) => [
    await check(url),
    await check(gatewayUrl),
  ];

  it('with all migrations is ready', async () => {
    const database = await createTestDatabase();
    expect(await checkBoth(database)).toEqual(['ready', 'ready']);
    await database.close();
  });

  it.each([
    [
      'half applied',
      'UPDATE _prisma_migrations SET finished_at = NULL',
      /half applied: .*017_alerts/,
    ],
    ['not applied', 'DELETE FROM _prisma_migrations', /not applied yet: .*017_alerts/],
  ])(
    'with a migration %s is not ready, and the message says what to run',
    async (_, sql, problem) => {
      const database = await createTestDatabase();
      await database.query(`${sql} WHERE migration_name = '017_alerts'`);
      expect(await check(database.url)).toMatch(problem);
      await expect(openDatabase(database.url)).rejects.toThrow(/npm run db:migrate/);
      await database.close();
    },
  );

  it('without some tables is not ready, for the owner and the gateway', async () => {
    const database = await createTestDatabase();
    await database.query('DROP TABLE _prisma_migrations');
    await database.query('DROP TABLE user_notifications CASCADE');
    for (const answer of await checkBoth(database)) {
      expect(answer).toMatch(/missing tables: public\.user_notifications\./);
    }
    await database.close();
  });

  it('without any table is not ready', async () => {
    const database = await createTestDatabase('empty');
    expect(await check(database.url)).toMatch(/not up to date/);
    await database.close();
  });

  it('whose login cannot act as people is not ready', async () => {
    const database = await createTestDatabase();
    await database.query("CREATE ROLE of_no_use LOGIN PASSWORD 'of no use'");
    const url = new URL(database.url);
    url.username = 'of_no_use';
    url.password = 'of no use';
    expect(await check(url.href)).toMatch(/GRANT authenticated/);
    await database.close();
  });

  it('that does not answer is reported without its password', async () => {
    const opened = openDatabase('postgresql://me:hidden@127.0.0.1:9/codex');
    await expect(opened).rejects.toThrow(/127\.0\.0\.1:9\/codex/);
    await expect(opened).rejects.not.toThrow(/hidden/);
  });
});
