import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BrokerKind, BrokerServer, hasBroker } from '../support/brokers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert } from '../support/tenant.ts';
import { type Program, run } from './support/process.ts';

const SECRET = 'a secret of the tests, 32 bytes or more';
const ADDRESS = /answers at (http:\S+)\/graphql/;
const SOON = { timeout: 10_000, interval: 50 };

const programs: Program[] = [];
let db: TestDatabase;
let workspaceId: string;

beforeAll(async () => {
  db = await createTestDatabase();
  ({ workspaceId } = await createTenant(db));
});

afterEach(async () => {
  for (const { child } of programs) child.kill('SIGKILL');
  await Promise.all(programs.splice(0).map((program) => program.ends()));
});

afterAll(() => db?.close());

/** Returns the value of each metric with this name, by its labels. */
async function metric(url: string, name: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^${name}({.*})? (\\S+)$`, 'gm'));
  return Object.fromEntries([...lines].map(([, labels = '', value]) => [labels, Number(value)]));
}

describe.each<BrokerKind>(['nats', 'redis'])('two gateways with %s', (kind) => {
  if (!hasBroker(kind)) return it.skip('are not tested, since the broker is not installed');

  it('share the changes that one of them reads, and the other takes over when it stops', async () => {
    const broker = await BrokerServer.start(kind);
    const start = async () => {
      const program = run('src/main.ts', {
        PORT: '0',
        METRICS: 'true',
        DATABASE_URL: db.gatewayUrl,
        JWT_SECRET: SECRET,
        [kind === 'nats' ? 'NATS_URL' : 'REDIS_URL']: broker.url,
      });
      programs.push(program);
      const [, url = ''] = await program.prints(ADDRESS);
      return { program, url };
    };
    const roleOf = ({ url }: { url: string }) => metric(url, 'codex_change_log_role');
    const isRead = async ({ url }: { url: string }, count: number) => {
      expect(await metric(url, 'codex_changes_total')).toEqual({ '': count });
    };

    const first = await start();
    await vi.waitFor(
      async () => expect(await roleOf(first)).toEqual({ '{role="reader"}': 1 }),
      SOON,
    );
    const second = await start();
    await vi.waitFor(
      async () => expect(await roleOf(second)).toEqual({ '{role="follower"}': 1 }),
      SOON,
    );
    await insert(db, 'system_alerts', {
      workspace_id: workspaceId,
      alert_type: 'error',
      title: 'A',
    });
    await vi.waitFor(() => isRead(first, 1), SOON);
    await vi.waitFor(() => isRead(second, 1), SOON);

    first.program.child.kill('SIGTERM');
    expect(await first.program.ends()).toBe(0);
    await vi.waitFor(
      async () => expect(await roleOf(second)).toEqual({ '{role="reader"}': 1 }),
      SOON,
    );
    await insert(db, 'system_alerts', {
      workspace_id: workspaceId,
      alert_type: 'error',
      title: 'B',
    });
    await vi.waitFor(() => isRead(second, 2), SOON);
    second.program.child.kill('SIGTERM');
    expect(await second.program.ends()).toBe(0);
    await broker.stop();
  }, 60_000);
});
