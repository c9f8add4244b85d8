import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Gateways, run } from './support/process.ts';

const SECRET = 'a secret of the tests, 32 bytes or more';

const gateways = new Gateways();
afterAll(() => gateways.kill());

describe('with a DATABASE_URL', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database?.close());

  it('serves the database without the demo, and stops on SIGTERM', async () => {
    const gateway = gateways.start({
      DATABASE_URL: database.gatewayUrl,
      JWT_SECRET: SECRET,
      NODE_ENV: 'production',
    });
    const [, url] = await gateway.prints(/answers at (\S+)\/graphql/);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${url}/dev/token`, { method: 'POST' })).status).toBe(404);
    const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    expect(page.status).not.toBe(200);
    const [row] = await database.query<{ count: string }>('SELECT count(*) FROM workspaces');
    expect(row?.count).toBe('0');
    gateway.child.kill('SIGTERM');
    expect(await gateway.ends()).toBe(0);
    expect(gateway.stdout()).not.toMatch(/token|eyJ/);
    expect(gateway.stderr()).toMatch(/JWT_ISSUER is not set/);
  });

  const refusal = async (env: Record<string, string>) => {
    const gateway = gateways.start({ JWT_SECRET: SECRET, ...env });
    expect(await gateway.ends()).toBe(1);
    expect(gateway.stderr()).not.toMatch(/\n\s+at /);
    return gateway.stderr();
  };

  it('that does not answer, refuses to start with its address but not its password', async () => {
    const message = await refusal({ DATABASE_URL: 'postgresql://me:hidden@127.0.0.1:9/codex' });
    expect(message).toMatch(/127\.0\.0\.1:9\/codex/);
    expect(message).not.toMatch(/hidden/);
  });

  it('that is half migrated, refuses to start and says what to run', async () => {
    const half = await createTestDatabase();
    await half.query(
      "UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '017_alerts'",
    );
    const message = await refusal({ DATABASE_URL: half.url });
    expect(message).toMatch(/half applied: 017_alerts[\s\S]*npm run db:status/);
    await half.close();
  });

  it('with unknown migrations, refuses to start and says what to run', async () => {
    const other = await createTestDatabase();
    await other.query(
      "UPDATE _prisma_migrations SET migration_name = '017_warnings' WHERE migration_name = '017_alerts'",
    );
    expect(await refusal({ DATABASE_URL: other.url })).toMatch(
      /Applied, and not in this version: 017_warnings\n.*npm run db:reset/,
    );
    await other.close();
  });

  it('refuses to start without a key for tokens', async () => {
    expect(await refusal({ DATABASE_URL: database.gatewayUrl, JWT_SECRET: '' })).toMatch(
      /Set JWT_SECRET .* or JWT_JWKS_URL/,
    );
  });

  it('of another machine, refuses to start with DEMO_SIGN_IN', async () => {
    const DATABASE_URL = 'postgresql://db.example/codex';
    expect(await refusal({ DATABASE_URL, DEMO_SIGN_IN: 'true' })).toMatch(/this machine only/);
  });

  it('prints no demo tokens', async () => {
    const program = run('src/server/dev-token-cli.ts', { DATABASE_URL: database.gatewayUrl }, [
      '--email',
      'asha.rao@example.com',
    ]);
    expect(await program.ends()).toBe(1);
    expect(program.stdout()).toBe('');
    expect(program.stderr()).toMatch(/without DATABASE_URL/);
  });
});

it('names all invalid settings at once', async () => {
  const gateway = gateways.start({ PORT: 'x', LOG_LEVEL: 'loud' });
  expect(await gateway.ends()).toBe(1);
  expect(gateway.stderr()).toMatch(/PORT: .*\n.*LOG_LEVEL: /);
  expect(gateway.stderr()).not.toMatch(/\n\s+at /);
});
