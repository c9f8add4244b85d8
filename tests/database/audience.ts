import pg from 'pg';
import type { Query, TestDatabase } from '../support/database.ts';

/** Runs statements for members of a workspace together, like the gateway; all of it is rolled back. */
export class Audiences {
  readonly #pool: pg.Pool;

  constructor({ gatewayUrl }: TestDatabase) {
    this.#pool = new pg.Pool({ connectionString: gatewayUrl, max: 2 });
  }

  /** Runs something for the members of a workspace with a role. */
  as<T>(role: string, workspaceId: string | null, run: (query: Query) => Promise<T>): Promise<T> {
    return this.withClaims({ audience: role }, workspaceId, run);
  }

  async withClaims<T>(
    claims: object,
    workspaceId: string | null,
    run: (query: Query) => Promise<T>,
  ): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin');
      await client.query(
        `select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true),
                set_config('app.current_workspace_id', $2, true)`,
        [JSON.stringify({ role: 'authenticated', ...claims }), workspaceId ?? ''],
      );
      return await run(
        async <Row extends object>(sql: string, values?: unknown[]) =>
          (await client.query<Row & pg.QueryResultRow>(sql, values)).rows,
      );
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
