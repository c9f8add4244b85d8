import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, token } from './support/gateway.ts';
import { holding } from './support/held.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

let database: TestDatabase;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});

afterAll(() => database?.close());

describe('a server that closes', () => {
  it('completes running requests, accepts no new ones and closes idle connections', async () => {
    const gateway = await startGateway(database.gatewayUrl, { statementTimeoutMs: 30_000 });
    expect((await gateway.ask('{ me }', { authorization })).status).toBe(200);
    await holding(database, async ({ sql, waiting, release }) => {
      const running = gateway.ask(`{ sql(text: "${sql}") me }`, { authorization });
      await waiting();
      // The grace period is longer than the test's timeout, so the server does not wait for its end.
      const closed = gateway.close(600_000);
      await expect(gateway.ask('{ me }', { authorization })).rejects.toThrow();
      await release();
      expect((await running).data).toEqual({ sql: '', me: PERSON });
      await closed;
    });
  });

  it('cuts off requests that do not end', async () => {
    let isRunning = false;
    const onExecute = () => {
      isRunning = true;
    };
    const gateway = await startGateway(database.gatewayUrl, { plugins: [{ onExecute }] });
    const hanging = gateway.ask('{ hang }', { authorization });
    const outcome = expect(hanging).rejects.toThrow();
    await eventually(() => isRunning).toBe(true);
    const started = Date.now();
    await gateway.close();
    await outcome;
    expect(Date.now() - started).toBeGreaterThan(900);
    expect(Date.now() - started).toBeLessThan(10_000);
  });
});
