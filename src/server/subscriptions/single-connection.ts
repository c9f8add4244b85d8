import { type ExecutionArgs, GraphQLError } from 'graphql';
import { type Plugin, processRegularResult } from 'graphql-yoga';
import type { Identity } from '../../context/authentication.ts';
import { GatewayError } from '../../context/errors.ts';
import type { ServerContext } from '../authentication.ts';
import { errorResponse } from '../responses.ts';
import { acceptedFormat } from './accept.ts';
import { EventStream, type StreamOperation } from './event-stream.ts';
import type { HttpStreams } from './http-streams.ts';
import { sse } from './sse.ts';
import { isLiveStream } from './stream.ts';

const TOKEN_HEADER = 'x-graphql-event-stream-token';
/** How long a reservation waits for its client. */
const RESERVATION_MS = 30_000;
const MAX_STREAMS = 10_000;
/** As many as graphql-sse may open at once when it was cut off: one for each operation. */
const MAX_STREAMS_OF_ONE = 100;
const MAX_OPERATIONS = 100;
const MAX_ID_LENGTH = 128;

/** What a request of this mode is about. */
export interface SingleConnection {
  /** Of the stream, as the client sent it; empty if it sent none. */
  token: string;
  events?: EventStream;
  operation?: StreamOperation;
}

interface Reservation {
  events: EventStream;
  person: string;
  workspace: string | null;
  /** When it is given up unless it is open by then. */
  until: number;
}

/**
 * Serves the single connection mode of graphql-sse: a client reserves a stream (PUT), opens it (GET),
 * and has the results of all its operations (POST) told there until it ends them (DELETE). Operations
 * run like those of any other request.
 */
export function useSingleConnection(
  path: string,
  streams: HttpStreams,
): Plugin<object, ServerContext> {
  const reservations = new Map<string, Reservation>();
  streams.everySecond(() => {
    const now = Date.now();
    for (const { events, until } of reservations.values()) {
      if (!events.isOpen && until < now) events.close();
    }
  });

  const reserve = (person: string, workspace: string | null): Response => {
    const own = [...reservations.values()].filter((reservation) => reservation.person === person);
    if (own.length >= MAX_STREAMS_OF_ONE || reservations.size >= MAX_STREAMS) {
      // Clients that connect again leave streams open which they have no use for.
      const unused = own.find(({ events }) => events.size === 0);
      if (!unused) {
        const message = 'There are too many streams, and all of yours have operations: end some.';
        return errorResponse(429, 'TOO_MANY_SUBSCRIPTIONS', message);
      }
      unused.events.close();
    }
    const events = new EventStream(() => reservations.delete(events.token));
    const until = Date.now() + RESERVATION_MS;
    reservations.set(events.token, { events, person, workspace, until });
    return new Response(events.token, {
      status: 201,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    });
  };

  const open = (request: Request, events: EventStream, { identity }: ServerContext): Response => {
    if (acceptedFormat(request) !== sse) {
      return errorResponse(406, 'BAD_REQUEST', 'Send the header "accept: text/event-stream".');
    }
    if (events.isOpen) return errorResponse(409, 'CONFLICT', 'The stream is open already.');
    return streams.respond({
      ...sse,
      expiresAt: identity?.expiresAt ?? new Date(),
      begin: (stream) => events.open(stream),
    });
  };

  const end = (events: EventStream, operationId: string | null): Response => {
    if (!operationId)
      return errorResponse(400, 'BAD_REQUEST', 'Name the operation: ?operationId=…');
    events.complete(operationId);
    return new Response(null, { status: 200 });
  };

  return {
    onRequest({ request, url, serverContext }) {
      if (url.pathname !== path) return;
      const token = request.headers.get(TOKEN_HEADER) ?? url.searchParams.get('token') ?? '';
      serverContext.single = { token };
    },

    onRequestParse({ request, url, serverContext, endResponse }) {
      const { single, identity, workspaceHeader } = serverContext;
      if (!single || !identity) return;
      const person = nameOf(identity);
      const workspace = workspaceHeader?.toLowerCase() ?? null;
      if (request.method === 'PUT') {
        endResponse(reserve(person, workspace));
        return;
      }
      const found = reservations.get(single.token);
      // Somebody else's stream is as good as none.
      if (found?.person !== person || found.workspace !== workspace) {
        endResponse(
          errorResponse(
            404,
            'NOT_FOUND',
            `There is no such stream: reserve one with PUT, then name it in the header ${TOKEN_HEADER}.`,
          ),
        );
      } else if (request.method === 'GET') {
        endResponse(open(request, found.events, serverContext));
      } else if (request.method === 'DELETE') {
        endResponse(end(found.events, url.searchParams.get('operationId')));
      } else {
        single.events = found.events;
      }
    },

    onParams({ params, context }) {
      const { single } = context;
      if (!single?.events) return;
      const { events } = single;
      const operationId: unknown = params.extensions?.operationId;
      if (typeof operationId !== 'string' || !operationId || operationId.length > MAX_ID_LENGTH) {
        throw refusal(400, 'Name the operation: {"extensions": {"operationId": "…"}}.');
      }
      if (events.has(operationId)) throw refusal(409, 'The stream has an operation of this id.');
      if (events.size >= MAX_OPERATIONS) {
        throw new GatewayError(
          'TOO_MANY_SUBSCRIPTIONS',
          `A stream takes ${MAX_OPERATIONS} operations at a time: end one first.`,
          { status: 429 },
        );
      }
      single.operation = events.add(operationId);
      context.transport = single.operation;
    },
    onExecute: ({ args }) => begin(args),
    onSubscribe: ({ args }) => begin(args),

    onResultProcess({ result, serverContext, setResultProcessor }) {
      const operation = serverContext.single?.operation;
      if (!operation || isLiveStream(result)) return;
      if (operation.begun) {
        setResultProcessor(async (...args) => {
          const told = await processRegularResult(...args);
          return operation.answerOnce(await told.text());
        }, 'application/json');
      } else {
        operation.cancel();
      }
    },
  };
}

function begin({ contextValue }: ExecutionArgs): void {
  const { single } = contextValue as ServerContext;
  if (single?.operation) single.operation.begun = true;
}

function nameOf(identity: Identity): string {
  return identity.kind === 'person'
    ? `person ${identity.id}`
    : JSON.stringify([identity.name, ...identity.scopes]);
}

function refusal(status: number, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status } } });
}
