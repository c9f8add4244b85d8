import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendNodeResponse } from '@whatwg-node/server';
import { encodeBody, withHeaders } from './compression.ts';

/**
 * Sends an answer; a long one compressed, if the client accepts that. Resolves once it is sent or the
 * client has gone.
 */
export async function sendAnswer(
  answer: Response,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'HEAD' && isJson(answer)) {
    const { body, headers } = await encodeBody(
      await answer.text(),
      request.headers['accept-encoding'],
    );
    if (response.destroyed) return;
    const all = withHeaders(Object.fromEntries(answer.headers), headers);
    response.writeHead(answer.status, all).end(body);
    await settledOrClosed(request.socket, once(response, 'close'));
    return;
  }
  // Sending waits for a client that reads slowly, and would wait on for one that has gone.
  const sent = sendNodeResponse(answer, response, request, true);
  if (!response.writableEnded) await settledOrClosed(request.socket, sent);
}

/** Whether it is a result. The other long answers are compressed already. */
function isJson({ headers }: Response): boolean {
  return headers.get('content-type')?.includes('json') ?? false;
}

/** Settles as the promise does, or resolves when the connection is closed. */
export function settledOrClosed(socket: Socket, promise: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = () => resolve(undefined);
    if (socket.destroyed) done();
    else socket.once('close', done);
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => socket.off('close', done));
  });
}
