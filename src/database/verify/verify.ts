import type pg from 'pg';
import { withConnection } from '../migrator-connection.ts';
import type { Check, Finding, Query } from './check.ts';
import { functionChecks } from './functions.ts';
import { historyChecks } from './history.ts';
import { indexChecks } from './indexes.ts';
import { securityChecks } from './security.ts';
import { structureChecks } from './structure.ts';
import { reportChecks } from './totals.ts';

/** The checks, in the order in which they are reported. */
export const CHECKS: readonly { group: string; checks: readonly Check[] }[] = [
  { group: 'migrations', checks: historyChecks },
  { group: 'structure', checks: structureChecks },
  { group: 'indexes', checks: indexChecks },
  { group: 'tenancy', checks: securityChecks },
  { group: 'behaviour', checks: functionChecks },
  { group: 'report', checks: reportChecks },
];

/** A check and what it came to. */
export interface Result {
  group: string;
  id: string;
  title: string;
  passed: boolean;
  found: string;
  problems: string[];
  /** What to do; only where it failed. */
  remedy?: string;
}

/**
 * Returns the result of every check of a live database, which stays as it is. A check that cannot
 * be made has failed. Throws DatabaseUnreachableError.
 */
export function verify(url: string): Promise<Result[]> {
  return withConnection(url, async (pool) => {
    const client = await pool.connect();
    try {
      const results: Result[] = [];
      for (const { group, checks } of CHECKS) {
        for (const check of checks) results.push(await run(group, check, url, client));
      }
      return results;
    } finally {
      client.release();
    }
  });
}

async function run(
  group: string,
  check: Check,
  url: string,
  client: pg.PoolClient,
): Promise<Result> {
  const { id, title, remedy } = check;
  const { found, problems } = await attempt(check, url, client).catch((error: Error) => ({
    found: '',
    problems: [`this could not be checked: ${error.message}`],
  }));
  const passed = problems.length === 0;
  return { group, id, title, passed, found, problems, ...(passed ? {} : { remedy }) };
}

async function attempt(check: Check, url: string, client: pg.PoolClient): Promise<Finding> {
  const query: Query = async <Row extends object>(sql: string, values?: unknown[]) =>
    (await client.query<Row & pg.QueryResultRow>(sql, values)).rows;
  await client.query(`begin ${check.writes ? 'read write' : 'read only'}`);
  try {
    // For the transaction only: the connection may be a pooler's. With an empty search_path Postgres
    // prints names in full, whatever the server's default is.
    await client.query(`set local search_path = ''; set local lock_timeout = '5s'`);
    return await check.run({ url, query });
  } finally {
    await client.query('rollback');
  }
}
