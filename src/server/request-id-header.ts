import { randomUUID } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { currentRequestId, runAsRequest } from '../context/request-id.ts';

export const REQUEST_ID_HEADER = 'x-request-id';
/** The characters that proxies use; others could forge log lines. */
const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/** Returns the id that a request came with, or a new one. */
export function requestIdOf(given: string | null): string {
  return given && ACCEPTABLE.test(given) ? given : randomUUID();
}

/** Takes a request's id from its header, or makes one, and sends it back. */
export function useRequestId(): Plugin {
  return {
    instrumentation: {
      request: ({ request }, wrapped) => {
        return runAsRequest(requestIdOf(request.headers.get(REQUEST_ID_HEADER)), wrapped);
      },
    },
    onResponse({ response }) {
      const id = currentRequestId();
      if (id) response.headers.set(REQUEST_ID_HEADER, id);
    },
  };
}
