import type { ServerResponse } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import type { Authenticate, Identity } from '../context/authentication.ts';
import { IDEMPOTENCY_HEADER } from '../context/idempotency.ts';
import type { Work } from '../context/work.ts';
import { WORKSPACE_HEADER } from '../context/workspace.ts';
import type { RequestInFlight } from './requests-in-flight.ts';
import type { HttpTransport } from './subscriptions/http-transports.ts';
import type { SingleConnection } from './subscriptions/single-connection.ts';

/** Who asks, as the headers of a request or the first message of a socket say. */
export interface Credentials {
  identity: Identity;
  /** Null when none was sent. */
  workspaceHeader: string | null;
  /** Null when none was sent. */
  idempotencyHeader: string | null;
}

/** What belongs to one operation before its context is built. */
export interface ServerContext extends Partial<Credentials> {
  /** Counts the operation while it is answered. */
  inFlight?: RequestInFlight;
  /** What it does in the database, which ends when the client goes. */
  work?: Work;
  /** Where the answer is written; undefined for what was not asked by HTTP. */
  response?: ServerResponse;
  /** The cursor of the header `last-event-id`, which stands for the argument `after`. */
  lastEventId?: string;
  /** How results of a subscription reach the client; null if it takes none, undefined for a socket. */
  transport?: HttpTransport | null;
  /** Set for requests of the single connection mode. */
  single?: SingleConnection;
}

/** Asks every GraphQL request for its token before anything of its body is read. */
export function useAuthentication(authenticate: Authenticate): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      const { headers } = request;
      serverContext.identity = await authenticate(headers.get('authorization'));
      serverContext.workspaceHeader = headers.get(WORKSPACE_HEADER);
      serverContext.idempotencyHeader = headers.get(IDEMPOTENCY_HEADER);
    },
  };
}
