import type { SubscriptionResult, SubscriptionSink } from './resumable.ts';

/** Keeps results until they are asked for: a client can only resume after results that it has received. */
export function resultsOf(subscribe: (sink: SubscriptionSink) => () => void) {
  const results: SubscriptionResult[] = [];
  let over: { error?: unknown } | undefined;
  let wake = () => {};
  const stop = subscribe({
    next(result) {
      results.push(result);
      wake();
    },
    error(error) {
      over ??= { error };
      wake();
    },
    complete() {
      over ??= {};
      wake();
    },
  });
  async function* iterate(): AsyncGenerator<SubscriptionResult, undefined> {
    for (;;) {
      for (let next = results.shift(); next; next = results.shift()) yield next;
      if (over && 'error' in over) throw over.error;
      if (over) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  // A generator returns once it has yielded, which may be never.
  return Object.assign(iterate(), {
    async return() {
      stop();
      results.length = 0;
      over = {};
      wake();
      return { done: true as const, value: undefined };
    },
  });
}
