import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Work } from '../../src/context/work.ts';
import { eventually } from '../support/eventually.ts';
import { type CancelProxy, openCancelProxy } from './cancel-proxy.ts';
import {
  database,
  during,
  held,
  open,
  outcomeOf,
  pid,
  reopen,
  sent,
  setUp,
  testDatabase,
} from './cancellation-world.ts';
import { LOCALHOST } from './localhost-certificate.ts';

setUp();

describe('a cancel request', () => {
  let proxy: CancelProxy;
  beforeEach(async () => {
    proxy = await openCancelProxy(testDatabase.gatewayUrl);
    await reopen({ connectionString: proxy.url, maxConnections: 1 });
  });
  afterEach(() => proxy.close());

  /** Cancels a read of 300 ms. The proxy holds the cancel request until the read is over. */
  async function cancelLate(): Promise<void> {
    proxy.hold();
    const work = new Work();
    const reading = outcomeOf(during(work, () => database.query('select pg_sleep(0.3)')));
    await eventually(() => sent).toContain('select pg_sleep(0.3)');
    work.leave();
    await reading;
    await eventually(() => proxy.cancels.length).toBe(1);
    await eventually(() =>
      testDatabase.query(
        `select from pg_stat_activity where datname = current_database()
         and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()`,
      ),
    ).toEqual([]);
  }

  it('that arrives late does not cancel another statement, because the connection waits for it', async () => {
    const before = await pid();
    await cancelLate();
    let isAnswered = false;
    const next = during(new Work(), () => database.query('select pg_sleep(0.2), 1 as one')).finally(
      () => {
        isAnswered = true;
      },
    );
    await eventually(() => database.connections().waiting).toBe(1);
    // A statement that was sent would be answered in the time of a hundred others.
    for (let i = 0; i < 100; i += 1) await testDatabase.query('select 1');
    expect(isAnswered).toBe(false);
    expect(sent).not.toContain('select pg_sleep(0.2), 1 as one');
    proxy.release();
    expect(await next).toMatchObject([{ one: 1 }]);
    // The connection is replaced: a pooler may answer a cancel request before it passes it on.
    expect(await pid()).not.toBe(before);
  });

  it('that is refused does not block the connection once its statement has ended', async () => {
    proxy.refuse();
    const work = new Work();
    const reading = outcomeOf(during(work, () => database.query('select pg_sleep(0.2)')));
    await eventually(() => sent).toContain('select pg_sleep(0.2)');
    work.leave();
    await reading;
    expect(await during(new Work(), () => database.query('select 2 as two'))).toEqual([{ two: 2 }]);
    expect(proxy.cancels.length).toBeGreaterThan(0);
  });

  it('is not sent for a statement that is answered at once', async () => {
    await pid();
    for (let i = 0; i < 20; i += 1) {
      const work = new Work();
      const reading = outcomeOf(during(work, () => database.query('select 1')));
      await Promise.resolve();
      work.leave();
      await reading;
    }
    await pid();
    expect(proxy.cancels.length).toBeLessThan(5);
  });

  it('uses TLS like its connection, and verifies the same host name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
    const tlsProxy = await openCancelProxy(testDatabase.gatewayUrl, LOCALHOST);
    try {
      const path = join(folder, 'root.pem');
      await writeFile(path, LOCALHOST.cert);
      const url = new URL(tlsProxy.url);
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
      expect(tlsProxy.cancels).toEqual([{ encrypted: true }]);
      expect(await pid(encrypted)).toBe(before);
      await encrypted.close();
    } finally {
      await tlsProxy.close();
      await rm(folder, { recursive: true });
    }
  });
});
