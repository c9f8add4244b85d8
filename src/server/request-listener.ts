import type { IncomingMessage, ServerResponse } from 'node:http';
import type { YogaServerInstance } from 'graphql-yoga';
import type { Context } from '../context/context.ts';
import type { Quotas } from '../context/quotas.ts';
import { RequestInFlight } from '../context/request-in-flight.ts';
import type { Work } from '../context/work.ts';
import { Departures } from './departures.ts';
import type { ExportSender } from './export/export-sender.ts';
import type { FastLane } from './fast-lane/fast-lane.ts';
import type { HttpStreams } from './http-streaming/http-streams.ts';
import { sendAnswer } from './send-answer.ts';
import type { ServerContext } from './server-context.ts';

export interface RequestListenerOptions {
  lane: FastLane | null;
  yoga: Pick<YogaServerInstance<ServerContext, Context>, 'handleNodeRequestAndResponse'>;
  streams: HttpStreams;
  /** Null where there are none. */
  exports: ExportSender | null;
  quotas: Quotas;
}

/** Returns what answers each request: on the fast lane where it can, else by Yoga. */
export function createRequestListener(options: RequestListenerOptions) {
  const { lane, yoga, streams, exports, quotas } = options;
  const departures = new Departures();
  return (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    departures.during(request.socket, async (work) => {
      const inFlight = new RequestInFlight(quotas);
      try {
        const context: ServerContext & { work: Work } = { response, inFlight, work };
        if (lane?.takes(request) && (await lane.answer(request, response, context))) return;
        if (request.socket.destroyed) return;
        const answer = await yoga.handleNodeRequestAndResponse(request, response, context);
        const stream = streams.of(answer);
        const file = exports?.of(answer);
        if (stream) await streams.begin(answer, stream, request, response);
        else if (file) await exports?.send(answer, file, request, response);
        else await sendAnswer(answer, request, response);
      } finally {
        inFlight.end();
      }
    });
}
