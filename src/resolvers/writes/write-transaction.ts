import type { Context } from '../../context/context.ts';
import type { PrismaClient } from '../../generated/prisma/client.ts';
import { limits } from '../limits.ts';
import { fieldOf, Interrupted, isPassing } from './field.ts';
import { claim } from './idempotent-writes.ts';

/** Prisma in the session of a field of a mutation, all of whose statements are one transaction. */
export type Transaction = PrismaClient;

/** The context of a field's write, and whether to keep it. */
export interface Writing {
  context: Context;
  /** Undo all changes at the end. */
  dryRun: boolean;
}

/**
 * Begins the transaction of a field. With an idempotency key, it ends the execution of a field that
 * was done before.
 */
export async function begin({ context, dryRun }: Writing): Promise<Transaction> {
  const field = fieldOf(context);
  field.isDryRun = dryRun;
  field.isAnswering = false;
  field.isDone = false;
  field.transaction.limit(limits.writeMs);
  if (!dryRun) await claim(context, field);
  return context.database.prisma;
}

/**
 * Does the work of a field in its transaction, and returns the result of `work`. The transaction
 * stays open for the answer, and `answerField` commits it. Failed work is rolled back.
 */
export async function inTransaction<T>(
  writing: Writing,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const field = fieldOf(writing.context);
  try {
    const result = await work(await begin(writing));
    field.isDone = true;
    readAnswer(writing);
    return result;
  } catch (error) {
    // It conflicted with another transaction, so the whole field is repeated.
    field.again = field.mayTryAgain && isPassing(error);
    if (field.again || error instanceof Interrupted) throw new Interrupted();
    await field.transaction.rollback();
    field.isClaimed = false;
    field.last = undefined;
    throw error;
  }
}

/** Limits the time of reading the answer from here on, because the written rows are locked. */
export function readAnswer({ context }: Writing): void {
  const field = fieldOf(context);
  if (!field.isAnswering) field.transaction.limit(limits.answerMs);
  field.isAnswering = true;
}

/** Runs parts of a transaction whose failure does not undo what came before. */
export class Attempts {
  readonly #transaction: Transaction;
  #isSaved = false;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  /** Returns the error of the work; undefined if it succeeded. */
  async run(work: () => Promise<unknown>): Promise<unknown> {
    // A savepoint remains after rolling back to it.
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
