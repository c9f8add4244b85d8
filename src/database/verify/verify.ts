import type pg from 'pg';
import { withConnection } from '../migrator-connection.ts';
import type { Check, Finding, Query } from './check.ts';
import { functionChecks } from './functions.ts';
import { indexChecks } from './indexes.ts';
import { securityChecks } from './security.ts';
import { structureChecks } from './structure.ts';
import { reportChecks } from './totals.ts';
import { historyChecks } from './verify-history.ts';

const GROUPS: Record<string, readonly Check[]> = {
  migrations: historyChecks,
  structure: structureChecks,
  indexes: indexChecks,
  tenancy: securityChecks,
  behaviour: functionChecks,
  report: reportChecks,
};

/** A check and the heading that it is reported under. */
export interface GroupedCheck extends Check {
  group: string;
}

/** The checks, in the order in which they are reported. */
export const CHECKS: readonly GroupedCheck[] = Object.entries(GROUPS).flatMap(([group, checks]) =>
  checks.map((check) => ({ group, ...check })),
);

/** A check and its result. */
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
 * Returns the result of each check of a live database, which stays as it is. A check that cannot
 * be made has failed. Throws DatabaseUnreachableError, and VerificationError for a role that cannot
 * see what there is to check.
 */
export function verify(url: string, checks: readonly GroupedCheck[] = CHECKS): Promise<Result[]> {
  return withConnection(url, async (pool) => {
    const client = await pool.connect();
    try {
      await requireOwner(client);
      const results: Result[] = [];
      for (const check of checks) results.push(await run(check, url, client));
      return results;
    } finally {
      client.release();
    }
  });
}

/** Thrown for a role that cannot see enough of the database. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
}

async function requireOwner(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ role: string; owner: string }>(
    `SELECT current_user AS role, pg_get_userbyid(nspowner) AS owner FROM pg_namespace
     WHERE nspname = 'gateway' AND NOT pg_has_role(current_user, nspowner, 'MEMBER')`,
  );
  const [refused] = rows;
  if (refused) {
    throw new VerificationError(
      `The role "${refused.role}" cannot see all that is checked: log in as "${refused.owner}", which owns it.`,
    );
  }
}

async function run(check: GroupedCheck, url: string, client: pg.PoolClient): Promise<Result> {
  const { group, id, title, remedy } = check;
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
    // prints names in full, whatever the server's defaults are, and moments in UTC.
    await client.query(
      `set local search_path = ''; set local timezone = 'UTC'; set local datestyle = 'ISO';
       set local lock_timeout = '5s'`,
    );
    return await check.run({ url, query });
  } finally {
    await client.query('rollback');
  }
}
