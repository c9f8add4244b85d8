import { testEnv } from './env.ts';

/** How many callers take part in a race. */
export const CALLERS = 50;

/** Starts all callers at once, and returns the outcome of each. */
export function race<T>(run: (caller: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: CALLERS }, (_, caller) => run(caller)));
}

/** Returns the results of those that succeeded. */
export function successes<T>(results: PromiseSettledResult<T>[]): T[] {
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Returns the SQLSTATEs of those that failed, each once. */
export function refusals(results: PromiseSettledResult<unknown>[]): string[] {
  const codes = results.flatMap((result) =>
    result.status === 'rejected' ? [String(result.reason.code ?? result.reason)] : [],
  );
  return [...new Set(codes)].sort();
}

/** Repeats a race as often as the environment says. */
export async function rounds(run: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < testEnv.stressRounds; round++) await run(round);
}
