import { describe, expect, test } from 'vitest';
import { migrate, migrationStatus, schemaDrift } from '../../src/database/migrator.ts';
import { DatabaseUnreachableError } from '../../src/database/migrator-errors.ts';
import { freePort } from '../support/ports.ts';
import { startCluster } from './migrator-fixture.ts';

describe('a database that cannot be reached', () => {
  test('is named in the error without the password', async () => {
    const port = await freePort();
    const url = `postgresql://user:secret@localhost:${port}/codex`;
    for (const attempt of [migrate, migrationStatus, schemaDrift]) {
      const error = await attempt(url).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(DatabaseUnreachableError);
      expect(String(error)).toContain(`localhost:${port}/codex: connect ECONNREFUSED`);
      expect(JSON.stringify([String(error), error])).not.toContain('secret');
    }
  });

  test('has an error with the reason of Postgres', async () => {
    const cluster = await startCluster();
    try {
      const url = new URL(await cluster.createDatabase());
      url.pathname = '/nowhere';
      await expect(migrate(url.href)).rejects.toThrow(/nowhere: database "nowhere" does not exist/);
      url.password = 'wrong';
      await expect(migrate(url.href)).rejects.toThrow(/password authentication failed/);
    } finally {
      await cluster.stop();
    }
  });

  test('an invalid address has another error than an unreachable one', async () => {
    await expect(migrate('postgresql://a:b@c:port/d')).rejects.toThrow(DatabaseUnreachableError);
  });
});
