import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, token } from './support/gateway.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

let database: TestDatabase;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});

afterAll(() => database?.close());

describe('a server that is closed', () => {
  it('finishes what is running, takes nothing new, and does not wait for idle connections', async () => {
    const gateway = await startGateway(database.gatewayUrl);
    expect((await gateway.ask('{ me }', { authorization })).status).toBe(200);
    const running = gateway.ask('{ sql(text: "SELECT pg_sleep(0.5)::text AS value") me }', {
      authorization,
    });
    await expect.poll(() => isSleeping()).toBe(true);
    const started = Date.now();
    const closed = gateway.close();
    await expect(gateway.ask('{ me }', { authorization })).rejects.toThrow();
    expect((await running).data).toEqual({ sql: '', me: PERSON });
    await closed;
    expect(Date.now() - started).toBeLessThan(900);
  });

  it('cuts off what does not end', async () => {
    const gateway = await startGateway(database.gatewayUrl);
    const hanging = gateway.ask('{ hang }', { authorization });
    const outcome = expect(hanging).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = Date.now();
    await gateway.close();
    await outcome;
    expect(Date.now() - started).toBeLessThan(2_500);
  });
});

async function isSleeping(): Promise<boolean> {
  const rows = await database.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database()
     AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()`,
  );
  return rows.length > 0;
}
