import type { Database } from '../../context/database/client.ts';
import { GatewayError } from '../../context/errors.ts';
import { markDigits, markedDigits } from '../../context/exact-json.ts';
import { IDEMPOTENCY_HEADER, type Idempotency } from '../../context/idempotency.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Transaction } from './transaction.ts';

interface Claim {
  /** Whether this is the first request with the key. */
  claimed: boolean;
  /** Whether it asks for what the first one did. */
  same_request: boolean;
  /** The outcomes so far, by field. */
  outcome: Record<string, string> | null;
}

/**
 * Does the work of a mutation's field and keeps its outcome in the same transaction or, when a
 * request with the same key did it before, returns the outcome of then. Waits for one that is still
 * running. Throws IDEMPOTENCY_MISMATCH when the key was used for something else.
 *
 * A key has one row, whatever the fields: that keeps two different requests apart that have no
 * field in common. Work that throws takes the row with it, so that it can be tried again.
 */
export async function once<T>(
  transaction: Transaction,
  { key, hash }: Idempotency,
  field: string,
  work: () => Promise<T>,
): Promise<T> {
  const [claim] = await transaction.$queryRaw<[Claim]>`
    SELECT claimed, same_request, outcome FROM gateway.claim_idempotency_key(${key}, ${hash})`;
  if (!claim.same_request) {
    throw new GatewayError(
      'IDEMPOTENCY_MISMATCH',
      `The key of the header ${IDEMPOTENCY_HEADER} was used for another request: take a new one.`,
      { argument: IDEMPOTENCY_HEADER },
    );
  }
  const known = claim.outcome ?? {};
  if (Object.hasOwn(known, field)) return decode(known[field] as string) as T;
  const result = await work();
  await transaction.$executeRaw`
    UPDATE gateway.idempotency_key
    SET outcome = coalesce(outcome, '{}') || jsonb_build_object(${field}::text, ${encode(result)}::text)
    WHERE key = ${key}`;
  return result;
}

/** Deletes keys that are no longer remembered. Needs a session, of anybody. */
export async function forgetOldKeys(database: Database): Promise<void> {
  await database.query('SELECT gateway.trim_idempotency_keys()');
}

/** Begins a string that stands for something else; no column holds a string that begins so. */
const MARK = '\0';

const readers: Record<string, (text: string) => unknown> = {
  date: (text) => new Date(text),
  bigint: (text) => BigInt(text),
  decimal: (text) => new Prisma.Decimal(text),
  digits: markDigits,
  float: Number,
};

function encode(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name, given) {
    // Dates and decimals have become strings by the time they are given.
    const own = this[name];
    if (own instanceof Date) return marked('date', own.toJSON() ?? '');
    if (typeof own === 'bigint') return marked('bigint', String(own));
    if (Prisma.Decimal.isDecimal(own)) return marked('decimal', own.toFixed());
    if (typeof own === 'number' && !Number.isFinite(own)) return marked('float', String(own));
    const digits = markedDigits(own);
    return digits === undefined ? given : marked('digits', digits);
  });
}

function marked(kind: string, text: string): string {
  return `${MARK}${kind} ${text}`;
}

function decode(text: string): unknown {
  return JSON.parse(text, (_name, value) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
    const [kind = '', ...rest] = value.slice(MARK.length).split(' ');
    return readers[kind]?.(rest.join(' '));
  });
}
