import type { Plugin } from 'graphql-yoga';
import type { ServerContext } from './server-context.ts';

/** Refuses the requests of those who have too many in flight, before anything of a body is read. */
export function useRequestsInFlight(): Plugin<object, ServerContext> {
  return {
    onRequestParse({ serverContext: { inFlight, identity } }) {
      if (identity) inFlight?.begin(identity);
    },
  };
}
