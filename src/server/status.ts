import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

/** HTTP statuses for errors that do not set one, by code. All other codes are client errors. */
const STATUSES: Readonly<Record<string, number>> = {
  TOO_MANY_SUBSCRIPTIONS: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
  TIMEOUT: 504,
};
const BAD_REQUEST = 400;

/**
 * Sets an error status on every response without data, whatever caused the error. Following the
 * GraphQL over HTTP specification, responses in plain JSON keep 200 unless the error sets a status.
 */
export function useFailureStatus(): Plugin {
  return {
    onResultProcess({ result }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return;
      const failed = result as ExecutionResult;
      // Without errors there is data, which may be expensive to access.
      if (!failed.errors || failed.data !== undefined) return;
      for (const { extensions } of failed.errors) {
        if (Object(extensions.http).status) continue;
        const status = STATUSES[String(extensions.code)] ?? BAD_REQUEST;
        extensions.http = { ...Object(extensions.http), status, spec: true };
      }
    },
  };
}
