import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../../context/context.ts';
import { currentSession, runInSession } from '../../context/session.ts';
import type { Work } from '../../context/work.ts';
import { limits } from '../limits.ts';
import { type Field, isPassing, type RequestKey, setField } from './field.ts';
import { remember } from './idempotent-writes.ts';

/** The answer to a field of a mutation. */
export interface FieldAnswer {
  value: unknown;
  errors: readonly Error[];
}

/** The same, and whether its work was done before the errors rolled it back. */
export type FinalAnswer = FieldAnswer & { isUndone: boolean };

const MAX_ATTEMPTS = 5;
const MAX_DELAY_MS = 50;

/**
 * Answers a field of a mutation in one transaction, in which `answer` reads, too. It is committed
 * unless it is a dry run, or there are errors. Deletions come last, when their answer has been
 * read; if one is refused, `answer` is called again. Work that failed because of another
 * transaction (a deadlock, a serialization failure) is repeated a few times. It continues if the
 * client leaves meanwhile, and rejects if the client left before.
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
        // Look-ups are cached by context. A new one forgets what was read before the write.
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
