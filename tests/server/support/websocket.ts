import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Data } from '../../support/data.ts';

/** A message of graphql-transport-ws. */
export interface Message {
  id?: string;
  type: string;
  payload?: Data;
}

export interface Closed {
  code: number;
  reason: string;
}

/** A client that sends any message unchecked. */
export interface RawClient {
  socket: WebSocket;
  /** All received messages, oldest first. */
  messages: Message[];
  send(message: object | string | Buffer): void;
  /** Resolves to the first message with this id and type; rejects if the socket closes before. */
  receives(like: Partial<Message>): Promise<Message>;
  /** Resolves when the socket is closed by either side. */
  closed: Promise<Closed>;
}

export interface RawClientOptions {
  headers?: Record<string, string>;
  /** Default: the protocol of the server. */
  protocols?: string[];
}

/** Opens a socket without sending a message. Rejects with the status of a refusal. */
export async function openSocket(
  url: string,
  { headers = {}, protocols = [GRAPHQL_TRANSPORT_WS_PROTOCOL] }: RawClientOptions = {},
): Promise<RawClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocols, { headers });
  const messages: Message[] = [];
  const waiting = new Set<(message: Message) => void>();
  socket.on('message', (data) => {
    const message: Message = JSON.parse(String(data));
    messages.push(message);
    for (const take of waiting) take(message);
  });
  const closed = new Promise<Closed>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_, { statusCode }) => reject(new Error(`${statusCode}`)));
  });
  socket.on('error', () => {});
  return {
    socket,
    messages,
    closed,
    send: (message) =>
      socket.send(
        typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
      ),
    receives: (like) =>
      new Promise((resolve, reject) => {
        const isLike = ({ id, type }: Message) =>
          (!like.id || id === like.id) && (!like.type || type === like.type);
        const take = (message: Message) => {
          if (!isLike(message)) return;
          waiting.delete(take);
          resolve(message);
        };
        waiting.add(take);
        const found = messages.find(isLike);
        if (found) take(found);
        closed.then(({ code, reason }) => reject(new Error(`Closed: ${code} ${reason}`)));
      }),
  };
}

/** Opens a socket and sends `connection_init` with the payload. */
export async function connect(
  url: string,
  payload: Record<string, unknown>,
  options?: RawClientOptions,
): Promise<RawClient> {
  const client = await openSocket(url, options);
  client.send({ type: 'connection_init', payload });
  await client.receives({ type: 'connection_ack' });
  return client;
}

/** Returns the message that starts an operation. */
export function subscribe(id: string, query: string, variables?: object): Message {
  return { id, type: 'subscribe', payload: { query, variables } };
}
