import type { ServerResponse } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import type { Authenticate, Identity } from '../context/authentication.ts';
import type { HttpTransport } from './subscriptions/http-transports.ts';
import type { LiveStream } from './subscriptions/stream.ts';

/** What belongs to one HTTP request before its context is built. */
export interface ServerContext {
  identity?: Identity;
  /** Where the answer is written; undefined for what was not asked by HTTP. */
  response?: ServerResponse;
  /** The cursor of the header `last-event-id`, which stands for the argument `after`. */
  lastEventId?: string;
  /** How results of a subscription reach the client; null if it takes none, undefined for a socket. */
  transport?: HttpTransport | null;
  /** What the transport is to answer with. */
  live?: LiveStream;
}

/** Asks every GraphQL request for its token before anything of its body is read. */
export function useAuthentication(authenticate: Authenticate): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      serverContext.identity = await authenticate(request.headers.get('authorization'));
    },
  };
}
