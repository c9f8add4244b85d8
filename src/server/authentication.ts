import type { Plugin } from 'graphql-yoga';
import type { Authenticate, Identity } from '../context/authentication.ts';

/** What belongs to one HTTP request before its context is built. */
export interface ServerContext {
  identity?: Identity;
  /** The cursor of the header `last-event-id`, which stands for the argument `after`. */
  lastEventId?: string;
}

/** Asks every GraphQL request for its token before anything of its body is read. */
export function useAuthentication(authenticate: Authenticate): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      serverContext.identity = await authenticate(request.headers.get('authorization'));
    },
  };
}
