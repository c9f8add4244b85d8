import type { Context } from '../../context/context.ts';
import type { OpenTransaction } from '../../context/database/client.ts';
import { databaseError } from '../../context/database/database-errors.ts';
import type { IdempotencyKey } from '../../context/idempotency.ts';

/** An idempotency key, and the fingerprint of the request that first used it. */
export interface RequestKey extends IdempotencyKey {
  /** SHA-256 of the request's meaning. */
  hash: Buffer;
}

/** One field of a mutation, shared by its resolver and the code that sends its answer. */
export interface Field {
  /** Its name or alias in the answer. */
  readonly name: string;
  readonly transaction: OpenTransaction;
  /** Null where the same request may run again. */
  readonly key: RequestKey | null;
  /** Whether work that conflicted with another transaction is repeated from the start. */
  readonly mayTryAgain: boolean;
  /** The payload, if only reading it is left. */
  readonly settled: { payload: unknown } | undefined;
  isDryRun: boolean;
  /** Whether the running transaction has claimed the key. */
  isClaimed: boolean;
  /** Whether the rows that were written are being read for the answer. */
  isAnswering: boolean;
  /**
   * Whether the work is done, apart from steps after the answer. Else there is nothing to keep.
   */
  isDone: boolean;
  /** Whether the whole field has to be repeated. */
  again: boolean;
  /** The earlier answer to the same request. */
  known?: { value: unknown };
  /** A step after the answer: the deletion of the rows that it shows. */
  last?: (() => Promise<unknown>) | undefined;
  /** Returns the payload for an error of that step. Throws an error that is not the client's. */
  explain?: (error: unknown) => unknown;
}

/** Ends an execution whose answer is not needed. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor() {
    super('The field is answered otherwise');
  }
}

const fields = new WeakMap<Context, Field>();

/** Makes the context that of a field of a mutation. */
export function setField(context: Context, field: Field): void {
  fields.set(context, field);
}

/** Returns the field of a mutation that is answered in this context. */
export function fieldOf(context: Context): Field {
  const field = fields.get(context);
  if (!field) throw new TypeError('Only fields of a mutation write');
  return field;
}

/** Whether the same work may succeed when it is repeated from the start. */
export function isPassing(error: unknown): boolean {
  const failure = databaseError(error);
  // The second one means that a table was changed under a prepared statement.
  return failure?.kind === 'serialization' || failure?.sqlstate === '0A000';
}
