import { type ExecutionArgs, GraphQLError } from 'graphql';
import { type Plugin, processRegularResult, type YogaInitialContext } from 'graphql-yoga';
import type { Context } from '../../context/context.ts';
import { GatewayError } from '../../context/errors.ts';
import type { Identity } from '../../context/identity.ts';
import { holdersOf, type Quotas } from '../../context/quotas.ts';
import { isResultStream } from '../../subscriptions/result-stream.ts';
import { errorResponse } from '../responses.ts';
import type { ServerContext } from '../server-context.ts';
import { acceptedFormat } from './accept.ts';
import type { EventStream, StreamOperation } from './event-stream.ts';
import type { HttpStreams } from './http-streams.ts';
import { sse } from './sse.ts';
import { StreamReservations } from './stream-reservations.ts';

const TOKEN_HEADER = 'x-graphql-event-stream-token';
const MAX_OPERATIONS = 100;
const MAX_ID_LENGTH = 128;

/** What a request of this mode is about. */
interface SingleConnection {
  /** The token of the stream, as the client sent it; empty if it sent none. */
  token: string;
  events?: EventStream;
  operation?: StreamOperation;
}

export interface SingleConnectionOptions {
  path: string;
  streams: HttpStreams;
  quotas: Quotas;
  /** Returns what a request without a body runs with. Throws FORBIDDEN and the like. */
  contextOf(request: ServerContext): Promise<Context>;
}

/**
 * Serves the single connection mode of graphql-sse. A client reserves a stream (PUT), opens it
 * (GET), and gets the results of all its operations (POST) there until it ends them (DELETE).
 * Operations run like those of any other request.
 */
export function useSingleConnection({
  path,
  streams,
  quotas,
  contextOf,
}: SingleConnectionOptions): Plugin<object, ServerContext> {
  /** The requests of this mode. */
  const requests = new WeakMap<Request, SingleConnection>();
  const reservations = new StreamReservations(quotas);
  streams.everySecond(() => reservations.sweep());

  const begin = ({ contextValue }: ExecutionArgs): void => {
    const { request } = contextValue as Partial<YogaInitialContext>;
    const operation = request && requests.get(request)?.operation;
    if (operation) operation.begun = true;
  };

  return {
    onRequest({ request, url }) {
      if (url.pathname !== path) return;
      const token = request.headers.get(TOKEN_HEADER) ?? url.searchParams.get('token') ?? '';
      requests.set(request, { token });
    },

    async onRequestParse({ request, url, serverContext, endResponse }) {
      const { identity, workspaceHeader } = serverContext;
      const single = requests.get(request);
      if (!single || !identity) return;
      const workspace = workspaceHeader?.toLowerCase() ?? null;
      const owner = { person: nameOf(identity), workspace };
      if (request.method === 'PUT') {
        const holders = holdersOf(await contextOf(serverContext));
        endResponse(reserved(reservations.reserve(owner, holders)));
        return;
      }
      const events = reservations.find(single.token, owner);
      if (!events) endResponse(notReserved());
      else if (request.method === 'GET') endResponse(open(request, events, identity, streams));
      else if (request.method === 'DELETE') endResponse(end(events, url));
      else single.events = events;
    },

    onParams({ request, params, context }) {
      const single = requests.get(request);
      if (!single?.events) return;
      single.operation = addOperation(single.events, params.extensions?.operationId);
      context.transport = single.operation;
      context.work = single.operation.work;
    },
    onExecute: ({ args }) => begin(args),
    onSubscribe: ({ args }) => begin(args),

    onResultProcess({ request, result, setResultProcessor }) {
      const operation = requests.get(request)?.operation;
      if (!operation || isResultStream(result)) return;
      if (operation.begun) setResultProcessor(onStream(operation), 'application/json');
      else operation.cancel();
    },
  };
}

function reserved({ token }: EventStream): Response {
  return new Response(token, {
    status: 201,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
}

function notReserved(): Response {
  return errorResponse(
    404,
    'NOT_FOUND',
    `There is no such stream: reserve one with PUT, then name it in the header ${TOKEN_HEADER}.`,
  );
}

function open(
  request: Request,
  events: EventStream,
  { expiresAt }: Identity,
  streams: HttpStreams,
): Response {
  if (acceptedFormat(request) !== sse) {
    return errorResponse(406, 'BAD_REQUEST', 'Send the header "accept: text/event-stream".');
  }
  if (events.isOpen) return errorResponse(409, 'CONFLICT', 'The stream is open already.');
  return streams.respond({ ...sse, expiresAt, begin: (stream) => events.open(stream) });
}

function end(events: EventStream, { searchParams }: URL): Response {
  const operationId = searchParams.get('operationId');
  if (!operationId) return errorResponse(400, 'BAD_REQUEST', 'Name the operation: ?operationId=…');
  events.complete(operationId);
  return new Response(null, { status: 200 });
}

/** Adds the operation that the parameters of a request name to a stream. */
function addOperation(events: EventStream, operationId: unknown): StreamOperation {
  if (typeof operationId !== 'string' || !operationId || operationId.length > MAX_ID_LENGTH) {
    throw refusal(400, 'Name the operation: {"extensions": {"operationId": "…"}}.');
  }
  if (events.has(operationId))
    throw refusal(409, 'The stream already has an operation with this id.');
  if (events.size >= MAX_OPERATIONS) {
    throw new GatewayError(
      'TOO_MANY_SUBSCRIPTIONS',
      `A stream takes ${MAX_OPERATIONS} operations at a time: end one first.`,
      { status: 429 },
    );
  }
  return events.add(operationId);
}

/** Returns what sends a result on the stream of its operation, rather than as the answer. */
function onStream(operation: StreamOperation) {
  return async (...args: Parameters<typeof processRegularResult>): Promise<Response> => {
    const response = await processRegularResult(...args);
    return operation.answerOnce(await response.text());
  };
}

function nameOf(identity: Identity): string {
  return identity.kind === 'person'
    ? `person ${identity.id}`
    : JSON.stringify([identity.name, ...identity.scopes]);
}

function refusal(status: number, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status } } });
}
