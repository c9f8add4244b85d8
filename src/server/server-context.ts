import type { ServerResponse } from 'node:http';
import type { Context } from '../context/context.ts';
import type { Identity } from '../context/identity.ts';
import type { RequestInFlight } from '../context/request-in-flight.ts';
import type { Work } from '../context/work.ts';
import type { ResultStream } from '../subscriptions/result-stream.ts';

/** The sender, as named by the headers of a request or the first message of a socket. */
export interface Credentials {
  identity: Identity;
  /** Null when none was sent. */
  workspaceHeader: string | null;
  /** Null when none was sent. */
  idempotencyHeader: string | null;
}

/** How the results of a stream are sent to the client of an HTTP request. */
export interface ResultTransport {
  /** Called before the stream is opened. Throws TOO_MANY_SUBSCRIPTIONS. */
  assertRoom(context: Context): void;
  /** Returns the answer to the request. */
  answer(stream: ResultStream): Response;
}

/** What belongs to one operation before its context is built. */
export interface ServerContext extends Partial<Credentials> {
  /** The sender that the token names, if it was verified before the request reached Yoga. */
  authenticated?: Promise<Identity>;
  /** Counts the operation while it is answered. */
  inFlight?: RequestInFlight;
  /** Its work in the database, which ends when the client leaves. */
  work?: Work;
  /** The response; undefined for an operation that did not come by HTTP. */
  response?: ServerResponse;
  /** The cursor of the header `last-event-id`, used in place of the argument `after`. */
  lastEventId?: string;
  /** Null if the client accepts no stream, undefined for a socket. */
  transport?: ResultTransport | null;
}
