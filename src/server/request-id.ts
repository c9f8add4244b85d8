import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';

const HEADER = 'x-request-id';
/** What proxies send; anything else could forge lines of a log. */
const ACCEPTABLE = /^[\w.:-]{1,128}$/;

const storage = new AsyncLocalStorage<string>();

/** Returns the id of the running request, undefined outside of one. */
export function currentRequestId(): string | undefined {
  return storage.getStore();
}

/** Runs `fn` as a request of its own, and returns its result. */
export function runAsRequest<T>(id: string, fn: () => T): T {
  return storage.run(id, fn);
}

/** Takes a request's id from its header, or makes one, and sends it back. */
export function useRequestId(): Plugin {
  return {
    instrumentation: {
      request: ({ request }, wrapped) => {
        const given = request.headers.get(HEADER);
        return storage.run(given && ACCEPTABLE.test(given) ? given : randomUUID(), wrapped);
      },
    },
    onResponse({ response }) {
      const id = currentRequestId();
      if (id) response.headers.set(HEADER, id);
    },
  };
}
