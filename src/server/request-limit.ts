import type { Plugin } from 'graphql-yoga';
import type { ServerContext } from './server-context.ts';

/** Refuses requests of a sender with too many in flight, before their body is read. */
export function useRequestLimit(): Plugin<object, ServerContext> {
  return {
    onRequestParse({ serverContext: { inFlight, identity } }) {
      if (identity) inFlight?.begin(identity);
    },
  };
}
