import type { Context } from '../../context/context.ts';
import type { Database } from '../../context/database/client.ts';
import { GatewayError } from '../../context/errors.ts';
import { markNumbers, printJson } from '../../context/exact-json.ts';
import { IDEMPOTENCY_HEADER } from '../../context/idempotency.ts';
import { limits } from '../limits.ts';
import { privilegesOf } from '../permissions.ts';
import { type Field, Interrupted } from './field.ts';

interface Claim {
  /** Whether it asks for the same as the first request with the key. */
  same_request: boolean;
  /** Whether the caller has used up their keys. */
  too_many: boolean;
  /** The answers so far, by field, as JSON. */
  outcome: Record<string, string> | null;
}

/** The key, among those of answers, of the caller's read rights at that time, as JSON. */
const PRIVILEGES = '';

/**
 * Claims the key for the work of a field in the running transaction. If the work was done before,
 * the field gets its earlier answer, and the execution ends. Waits for a first request that is
 * still running. Throws IDEMPOTENCY_MISMATCH when the key was used for something else, FORBIDDEN
 * when the caller could read more then than now, and TOO_MANY_IDEMPOTENCY_KEYS.
 *
 * A key has one row for all fields. That also separates two requests without a common field. If the
 * work fails, the row is rolled back too, so that it can be tried again.
 */
export async function claim(context: Context, field: Field): Promise<void> {
  const { database } = context;
  if (!field.key || field.isClaimed) return;
  const { key, hash, namesWorkspace } = field.key;
  const [claimed] = await database.query<Claim>(
    'SELECT same_request, too_many, outcome FROM gateway.claim_idempotent_request($1, $2, $3)',
    [key, hash, namesWorkspace],
  );
  if (!claimed?.same_request) {
    throw new GatewayError(
      'IDEMPOTENCY_MISMATCH',
      `The key of the header ${IDEMPOTENCY_HEADER} was used for another request: use a new one.`,
      { argument: IDEMPOTENCY_HEADER },
    );
  }
  if (claimed.too_many) {
    throw new GatewayError(
      'TOO_MANY_IDEMPOTENCY_KEYS',
      'You have used too many keys in the last hour. Send the request without a key, or wait: keys that are older than an hour are then deleted.',
      { argument: IDEMPOTENCY_HEADER },
    );
  }
  field.isClaimed = true;
  const answer = claimed.outcome?.[field.name];
  if (answer === undefined) return;
  const then: string[] = JSON.parse(claimed.outcome?.[PRIVILEGES] ?? '[]');
  const now = privilegesOf(context);
  if (!then.every((privilege) => now.includes(privilege))) throw lessPrivileged();
  field.known = { value: JSON.parse(markNumbers(answer)) };
  throw new Interrupted();
}

/**
 * Keeps the answer to a claimed field, in the transaction that did its work. Throws
 * IDEMPOTENCY_ANSWER_TOO_LARGE.
 */
export async function remember(
  context: Context,
  { key, name, isClaimed }: Field,
  value: unknown,
): Promise<void> {
  if (!key || !isClaimed) return;
  const answer = printJson(value);
  if (answer.length > limits.maxIdempotentAnswerBytes) throw tooLarge();
  const [kept] = await context.database.query<{ size: number }>(
    `UPDATE gateway.idempotency_key
     SET outcome = coalesce(outcome, '{}') || jsonb_build_object($2::text, $3::text, $4::text, $5::text)
     WHERE key = $1 RETURNING size`,
    [key.key, name, answer, PRIVILEGES, JSON.stringify(privilegesOf(context))],
  );
  if ((kept?.size ?? 0) > limits.maxIdempotentAnswerBytes) throw tooLarge();
}

function lessPrivileged(): GatewayError {
  return new GatewayError(
    'FORBIDDEN',
    'The request was executed before, and its answer may contain data that you can no longer read. Read the rows again.',
    { argument: IDEMPOTENCY_HEADER },
  );
}

function tooLarge(): GatewayError {
  return new GatewayError(
    'IDEMPOTENCY_ANSWER_TOO_LARGE',
    `The answer is larger than the ${limits.maxIdempotentAnswerBytes.toLocaleString('en')} bytes that are kept for a key, so nothing was changed. Select less, or send the request without a key.`,
    { argument: IDEMPOTENCY_HEADER },
  );
}

/** Deletes keys that are no longer kept. Needs any session. */
export async function forgetOldKeys(database: Database): Promise<void> {
  await database.query('SELECT gateway.trim_idempotency_keys()');
}
