import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Work } from '../../src/context/work.ts';
import { eventually } from '../support/eventually.ts';
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
import { type FrontDoor, openFrontDoor } from './front-door.ts';
import { LOCALHOST } from './localhost-certificate.ts';

setUp();

describe('a request to cancel', () => {
  let door: FrontDoor;
  beforeEach(async () => {
    door = await openFrontDoor(testDatabase.gatewayUrl);
    await reopen({ connectionString: door.url, maxConnections: 1 });
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
