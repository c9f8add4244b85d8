import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../../context/context.ts';
import { databaseError } from '../../context/database/errors.ts';
import type { PrismaClient } from '../../generated/prisma/client.ts';
import { once } from './idempotency.ts';

/** Prisma inside a transaction. */
export type Transaction = Omit<
  PrismaClient,
  '$connect' | '$disconnect' | '$on' | '$transaction' | '$extends'
>;

/** One field of a mutation. */
export interface MutationField {
  context: Context;
  /** What the answer calls it: its name or alias. */
  field: string;
  /** Do everything, and keep none of it. */
  dryRun: boolean;
}

const MAX_ATTEMPTS = 5;
const MAX_DELAY_MS = 50;
/** How long to wait for a connection, and for a first request with the same key. */
const PATIENCE = { maxWait: 5_000, timeout: 20_000 };

/** Carries the result of a rehearsal out of the transaction that it rolls back. */
class Rehearsed extends Error {
  readonly result: unknown;

  constructor(result: unknown) {
    super('The transaction was a rehearsal');
    this.result = result;
  }
}

/**
 * Runs a field of a mutation in a transaction and returns what it returns; sent again with the same
 * idempotency key, what it returned then. A dry run does everything and then rolls back. Work that
 * met another transaction (a deadlock, a serialization failure) is done again from the start, a few
 * times; other errors are the caller's.
 */
export async function inTransaction<T>(
  { context, field, dryRun }: MutationField,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { database, idempotency } = context;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.prisma.$transaction(async (transaction) => {
        if (idempotency && !dryRun) {
          return once(transaction, idempotency, field, () => work(transaction));
        }
        const result = await work(transaction);
        if (dryRun) throw new Rehearsed(result);
        return result;
      }, PATIENCE);
    } catch (error) {
      if (error instanceof Rehearsed) return error.result as T;
      if (attempt === MAX_ATTEMPTS || !isSerialization(error)) throw error;
      await delay(Math.random() * MAX_DELAY_MS * attempt);
    }
  }
}

/** Whether a transaction failed for another one that was in its way. */
export function isSerialization(error: unknown): boolean {
  return databaseError(error)?.kind === 'serialization';
}

/** Runs parts of a transaction whose failure leaves what came before. */
export class Attempts {
  readonly #transaction: Transaction;
  #isSaved = false;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  /** Returns what the work failed with; undefined when it was done. */
  async run(work: () => Promise<unknown>): Promise<unknown> {
    // One that was gone back to is there still.
    if (!this.#isSaved) await this.#transaction.$executeRawUnsafe('SAVEPOINT attempt');
    this.#isSaved = true;
    try {
      await work();
    } catch (error) {
      await this.#transaction.$executeRawUnsafe('ROLLBACK TO SAVEPOINT attempt');
      return error;
    }
    await this.#transaction.$executeRawUnsafe('RELEASE SAVEPOINT attempt');
    this.#isSaved = false;
    return undefined;
  }
}
