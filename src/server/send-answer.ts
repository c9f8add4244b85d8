import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendNodeResponse } from '@whatwg-node/server';

/** Sends an answer. Resolves once it is sent or the client has gone. */
export async function sendAnswer(
  answer: Response,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Sending waits for a client that reads slowly, and would wait on for one that has gone.
  const sent = sendNodeResponse(answer, response, request, true);
  if (!response.writableEnded) await settledOrClosed(request.socket, sent);
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
