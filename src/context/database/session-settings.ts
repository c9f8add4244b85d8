import type { Session } from '../session.ts';
import { STATEMENT_TIMEOUT } from './session-transaction.ts';
import type { Statement } from './statement-batch.ts';

/**
 * All settings end with the transaction, also those that are the same for everyone. Poolers refuse
 * most parameters of a connection, and share a session among clients. Moments are in UTC as ISO
 * 8601 and floats have all their digits, whatever the server's defaults are.
 */
const SETTINGS =
  "select num_nonnulls(set_config('role', $1, true), " +
  "set_config('request.jwt.claims', $2, true), " +
  "set_config('app.current_workspace_id', $3, true), " +
  "set_config('statement_timeout', $4, true), " +
  "set_config('idle_in_transaction_session_timeout', $4, true), " +
  "set_config('timezone', 'UTC', true), " +
  "set_config('datestyle', 'ISO', true), " +
  "set_config('extra_float_digits', '1', true))";

/**
 * Returns the statement that the next ones of a session, each of which may run for so many
 * milliseconds, are sent with.
 */
export function settingsOf({ parameters }: Session, statementTimeoutMs: number): Statement {
  return { text: SETTINGS, values: [...parameters, String(statementTimeoutMs)] };
}

/** Whether a statement is one of settings, which no caller has asked for. */
export function isSetting({ text }: Statement): boolean {
  return text === SETTINGS || text === STATEMENT_TIMEOUT;
}
