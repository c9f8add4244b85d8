import { GraphQLError } from 'graphql';
import { type Plugin, processRegularResult } from 'graphql-yoga';
import type { ServerContext } from '../authentication.ts';
import { acceptedFormat } from './accept.ts';
import { ResponseSink, type StreamFormat } from './http-format.ts';
import type { HttpStreams } from './http-streams.ts';
import { multipart, singlePart } from './multipart.ts';
import { sse } from './sse.ts';
import { isLiveStream, type LiveStream } from './stream.ts';

/** How the client of an HTTP request is told the results of its subscription. */
export interface HttpTransport {
  /** Returns the answer to the request. */
  answer(live: LiveStream): Response;
}

/** Answers subscriptions by HTTP in the format that the client accepts. */
export function useHttpTransports(streams: HttpStreams): Plugin<object, ServerContext> {
  const transportOf = (format: StreamFormat, { identity }: ServerContext): HttpTransport => ({
    answer: (live) =>
      streams.respond({
        ...format,
        expiresAt: identity?.expiresAt ?? new Date(),
        begin: (stream) => live.attach(new ResponseSink(stream, format)),
      }),
  });

  return {
    onRequestParse({ request, serverContext }) {
      // What was asked without a connection cannot be answered on one.
      const format = serverContext.response ? acceptedFormat(request) : null;
      serverContext.transport = format && transportOf(format, serverContext);
      const lastEventId = format === sse && request.headers.get('last-event-id');
      if (lastEventId) serverContext.lastEventId = lastEventId;
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      // Of a socket, it is undefined.
      const { transport } = args.contextValue as ServerContext;
      if (transport === null) setResultAndStopExecution({ errors: [notAcceptable()] });
    },
    onResultProcess({ request, result, serverContext, resultProcessor, setResultProcessor }) {
      const { transport } = serverContext;
      if (transport && isLiveStream(result)) {
        setResultProcessor(() => transport.answer(result), '*/*');
      } else if (
        resultProcessor !== processRegularResult &&
        acceptedFormat(request) === multipart
      ) {
        setResultProcessor(
          async (...args) => inOnePart(await processRegularResult(...args)),
          'application/json',
        );
      } else if (!resultProcessor && 'errors' in result) {
        // Whoever accepts nothing that there is still wants to know why.
        setResultProcessor(processRegularResult, 'application/json');
      }
    },
  };
}

/** Those who take nothing but parts get errors in one, too. */
async function inOnePart(response: Response): Promise<Response> {
  const { status, headers } = response;
  const body = singlePart(await response.text());
  headers.set('content-type', multipart.contentType);
  headers.delete('content-length');
  return new Response(body, { status, headers });
}

function notAcceptable(): GraphQLError {
  return new GraphQLError(
    'Results of a subscription come as a stream: send the header "accept: text/event-stream" or ' +
      '"accept: multipart/mixed;subscriptionSpec=1.0", or open a WebSocket (graphql-transport-ws).',
    { extensions: { code: 'BAD_REQUEST', http: { status: 406 } } },
  );
}
