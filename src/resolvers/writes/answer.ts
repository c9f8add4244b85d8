import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../../context/context.ts';
import { currentSession, runInSession } from '../../context/session.ts';
import type { Work } from '../../context/work.ts';
import { limits } from '../limits.ts';
import { type Field, isPassing, type RequestKey, setField } from './field.ts';
import { remember } from './idempotent-writes.ts';

/** What a field of a mutation was answered. */
export interface FieldAnswer {
  value: unknown;
  errors: readonly Error[];
}

/** The same, with whether it had done its work before that was rolled back for the errors. */
export type FinalAnswer = FieldAnswer & { isUndone: boolean };

const MAX_ATTEMPTS = 5;
const MAX_DELAY_MS = 50;

/**
 * Answers a field of a mutation in one transaction. What `answer` resolves in the context that it is
 * given is read in there, too. It is committed unless it is a dry run, or there are errors. Deletions
 * come last, when their answer has been read; for a refused one `answer` is called once more. Work
 * that met another transaction (a deadlock, a serialization failure) is done again, a few times. All
 * of it goes on when the client goes meanwhile; it rejects if the client went before.
 */
export function answerField(
  context: Context,
  name: string,
  key: RequestKey | null,
  answer: (context: Context) => Promise<FieldAnswer>,
): Promise<FinalAnswer> {
  const { work } = currentSession();
  return work.finish(() => attemptField(context, name, key, answer, work));
}

async function attemptField(
  context: Context,
  name: string,
  key: RequestKey | null,
  answer: (context: Context) => Promise<FieldAnswer>,
  work: Work,
): Promise<FinalAnswer> {
  let settled: Field['settled'];
  for (let attempt = 1; ; attempt += 1) {
    const inOwnSession = () =>
      context.database.inTransaction(async (transaction) => {
        // Look-ups are remembered by context, and nothing that was read before the write is.
        const own = { ...context };
        const field: Field = {
          name,
          transaction,
          key,
          settled,
          mayTryAgain: attempt < MAX_ATTEMPTS,
          isDryRun: false,
          isClaimed: false,
          isAnswering: false,
          isDone: false,
          again: false,
        };
        setField(own, field);
        return conclude(own, field, await answer(own));
      });
    const outcome = await runInSession(context.session, inOwnSession, work);
    if ('value' in outcome) return outcome;
    if ('payload' in outcome) settled = outcome;
    else await delay(Math.random() * MAX_DELAY_MS * attempt);
  }
}

type Outcome = FinalAnswer | { payload: unknown } | { again: true };

async function conclude(context: Context, field: Field, answered: FieldAnswer): Promise<Outcome> {
  const { transaction, known, mayTryAgain } = field;
  if (known) {
    await transaction.commit();
    return { value: known.value, errors: [], isUndone: false };
  }
  if (answered.errors.length > 0) {
    const again = field.again || (mayTryAgain && isPassing(transaction.failure));
    await transaction.rollback();
    return again ? { again } : { ...answered, isUndone: field.isDone };
  }
  try {
    transaction.limit(limits.writeMs);
    await field.last?.();
    if (field.isDone && !field.isDryRun) {
      await remember(context, field, answered.value);
      await transaction.commit();
    } else {
      await transaction.rollback();
    }
    return { ...answered, isUndone: false };
  } catch (error) {
    await transaction.rollback();
    if (mayTryAgain && isPassing(error)) return { again: true };
    if (!field.explain) throw error;
    return { payload: field.explain(error) };
  }
}
