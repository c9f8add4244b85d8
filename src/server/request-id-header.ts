import { randomUUID } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { currentRequestId, runAsRequest } from '../context/request-id.ts';

const HEADER = 'x-request-id';
/** What proxies send; anything else could forge lines of a log. */
const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/** Takes a request's id from its header, or makes one, and sends it back. */
export function useRequestId(): Plugin {
  return {
    instrumentation: {
      request: ({ request }, wrapped) => {
        const given = request.headers.get(HEADER);
        return runAsRequest(given && ACCEPTABLE.test(given) ? given : randomUUID(), wrapped);
      },
    },
    onResponse({ response }) {
      const id = currentRequestId();
      if (id) response.headers.set(HEADER, id);
    },
  };
}
