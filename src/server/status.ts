import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

/** Statuses of refusals that name none, by code. Any other is the client's to put right. */
const STATUSES: Readonly<Record<string, number>> = {
  TOO_MANY_SUBSCRIPTIONS: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
  TIMEOUT: 504,
};
const BAD_REQUEST = 400;

/**
 * Gives every answer without data the status of a failure, whatever refused it. Clients that take
 * plain JSON only get 200 where nothing else was said, as the GraphQL over HTTP specification has it.
 */
export function useFailureStatus(): Plugin {
  return {
    onResultProcess({ result }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return;
      const { data, errors = [] } = result as ExecutionResult;
      if (data !== undefined) return;
      for (const { extensions } of errors) {
        if (Object(extensions.http).status) continue;
        const status = STATUSES[String(extensions.code)] ?? BAD_REQUEST;
        extensions.http = { ...Object(extensions.http), status, spec: true };
      }
    },
  };
}
