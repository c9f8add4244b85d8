import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { loader } from './loaders.ts';

/** The error for a cursor that does not belong to a moment. */
export function noLiveCursor(): GatewayError {
  return new GatewayError('BAD_USER_INPUT', 'Only queries have a liveCursor.', {
    argument: 'liveCursor',
  });
}

/**
 * Returns the cursor after everything that the running operation sees. The operation has to run in
 * one snapshot of the database. Throws SERVICE_UNAVAILABLE where the gateway reads no change log.
 */
export async function readLiveCursor(context: Context): Promise<string> {
  const { database, liveCursors, workspace } = context;
  if (!liveCursors) {
    throw new GatewayError('SERVICE_UNAVAILABLE', 'This gateway does not follow changes.');
  }
  return loader<true, string>(context, 'live cursor', async () => {
    // The cursor has to come from the same snapshot as the rows, or changes would be lost.
    const [row] = await database.query<{ snapshot: string }>(
      `SELECT gateway.change_snapshot()::text AS snapshot
       WHERE current_setting('transaction_isolation') = 'repeatable read'`,
    );
    if (!row) throw noLiveCursor();
    return [liveCursors.seal(row.snapshot, workspace?.id ?? null)];
  }).load(true);
}
