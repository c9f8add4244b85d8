import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** Returns the id of the running request, undefined outside of one. */
export function currentRequestId(): string | undefined {
  return storage.getStore();
}

/** Runs `fn` as a request of its own, and returns its result. */
export function runAsRequest<T>(id: string, fn: () => T): T {
  return storage.run(id, fn);
}
