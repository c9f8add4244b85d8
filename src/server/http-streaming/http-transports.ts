import { type ExecutionArgs, GraphQLError } from 'graphql';
import { type Plugin, processRegularResult } from 'graphql-yoga';
import type { Context } from '../../context/context.ts';
import { type Holder, holdersOf, type Quotas, type Release } from '../../context/quotas.ts';
import { isLive } from '../../subscriptions/live-queries.ts';
import { attachOrRefuse, isResultStream } from '../../subscriptions/result-stream.ts';
import type { ResultTransport, ServerContext } from '../server-context.ts';
import { acceptedFormat, acceptedJson, acceptsResults } from './accept.ts';
import type { HttpStreams } from './http-streams.ts';
import { multipart, singlePart } from './multipart.ts';
import { sse } from './sse.ts';
import { ResponseSink, type StreamFormat } from './stream-format.ts';

/** Answers subscriptions by HTTP in the format that the client accepts. */
export function useHttpTransports(
  streams: HttpStreams,
  quotas: Quotas,
): Plugin<object, ServerContext> {
  return {
    onRequestParse({ request, serverContext }) {
      // Before execution, so that no write takes effect without an answer.
      if (!acceptsResults(request)) throw notAcceptable(`${RESULTS} ${EVENTS}`);
      // What was asked without a connection cannot be answered on one.
      const format = serverContext.response ? acceptedFormat(request) : null;
      serverContext.transport = format && transportOf(format, serverContext, streams, quotas);
      const lastEventId = format === sse && request.headers.get('last-event-id');
      if (lastEventId) serverContext.lastEventId = lastEventId;
    },
    onExecute({ args }) {
      const context = contextOf(args);
      if (context.transport && isLive(args)) context.transport.assertRoom(context);
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      // For a socket it is undefined.
      const context = contextOf(args);
      if (context.transport === null)
        setResultAndStopExecution({ errors: [notAcceptable(EVENTS)] });
      else context.transport?.assertRoom(context);
    },
    onResultProcess({ request, result, serverContext, resultProcessor, setResultProcessor }) {
      const { transport } = serverContext;
      if (transport && isResultStream(result)) {
        setResultProcessor(() => transport.answer(result), '*/*');
      } else if (
        resultProcessor !== processRegularResult &&
        acceptedFormat(request) === multipart
      ) {
        setResultProcessor(
          async (...args) => inOnePart(await processRegularResult(...args)),
          'application/json',
        );
      } else if (resultProcessor === processRegularResult || !resultProcessor) {
        // A client that accepts none of our formats still gets the reason.
        setResultProcessor(
          processRegularResult,
          acceptedJson(request.headers.get('accept')) ?? 'application/json',
        );
      }
    },
  };
}

function transportOf(
  format: StreamFormat,
  { identity }: ServerContext,
  streams: HttpStreams,
  quotas: Quotas,
): ResultTransport {
  let holders: Holder[] = [];
  return {
    assertRoom(context) {
      holders = holdersOf(context);
      quotas.assertRoom('streams', holders);
    },
    answer: (results) =>
      streams.respond({
        ...format,
        expiresAt: identity?.expiresAt ?? new Date(),
        begin: (stream) => {
          const sink = new ResponseSink(stream, format);
          return attachOrRefuse(sink, () => {
            const release = quotas.take('streams', holders);
            return leaving(results.attach(sink), release);
          });
        },
      }),
  };
}

/** A function of its own, since a closure over the request would keep it as long as the stream. */
function leaving(leave: () => void, release: Release): () => void {
  return () => {
    release();
    leave();
  };
}

function contextOf(args: ExecutionArgs): ServerContext & Context {
  return args.contextValue as ServerContext & Context;
}

/** Clients that accept only multipart get errors as a part, too. */
async function inOnePart(response: Response): Promise<Response> {
  const { status, headers } = response;
  const body = singlePart(await response.text());
  headers.set('content-type', multipart.contentType);
  headers.delete('content-length');
  return new Response(body, { status, headers });
}

const RESULTS =
  'Results come as JSON: send the header "accept: application/graphql-response+json, application/json".';
const EVENTS =
  'Results of a subscription come as a stream: send the header "accept: text/event-stream" or ' +
  '"accept: multipart/mixed;subscriptionSpec=1.0", or open a WebSocket (graphql-transport-ws).';

function notAcceptable(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 406 } } });
}
