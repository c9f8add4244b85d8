import type { Context } from '../../context/context.ts';
import type { OpenTransaction } from '../../context/database/client.ts';
import { databaseError } from '../../context/database/database-errors.ts';
import type { IdempotencyKey } from '../../context/idempotency.ts';

/** A key, and what tells the request that it was first used for from another one. */
export interface RequestKey extends IdempotencyKey {
  /** SHA-256 of what the request asks for. */
  hash: Buffer;
}

/** One field of a mutation, as what resolves it tells what answers it. */
export interface Field {
  /** What the answer calls it: its name or alias. */
  readonly name: string;
  readonly transaction: OpenTransaction;
  /** Null where the same request may be done again. */
  readonly key: RequestKey | null;
  /** Whether work that met another transaction is done again from the start. */
  readonly mayTryAgain: boolean;
  /** The payload, where nothing is left to do but to show it. */
  readonly settled: { payload: unknown } | undefined;
  isDryRun: boolean;
  /** Whether the running transaction has claimed the key. */
  isClaimed: boolean;
  /** Whether the rows that were written are being read for the answer. */
  isAnswering: boolean;
  /** Whether the work is done, apart from what comes behind the answer; else there is nothing to keep. */
  isDone: boolean;
  /** Whether all of it has to be done again. */
  again: boolean;
  /** What the same request was answered before. */
  known?: { value: unknown };
  /** What comes behind the answer: the deletion of the rows that it shows. */
  last?: (() => Promise<unknown>) | undefined;
  /** Returns the payload for an error of what comes behind the answer. Throws one that is nobody's. */
  explain?: (error: unknown) => unknown;
}

/** Ends an execution whose answer nobody waits for. */
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

/** Whether the same work may succeed when it is done again from the start. */
export function isPassing(error: unknown): boolean {
  const failure = databaseError(error);
  // The second one is a table that was changed under a prepared statement.
  return failure?.kind === 'serialization' || failure?.sqlstate === '0A000';
}
