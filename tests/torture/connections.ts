import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient, GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { WebSocket } from 'ws';
import { resumable, type SubscriptionClient } from '../../packages/client/src/index.ts';
import type { Random } from './random.ts';
import type { Subscription } from './subscriptions.ts';
import type { Reader } from './world.ts';

const RECONNECT_MS = 60;
/**
 * Close codes after which a client connects again; 4401 and 4408 occur if a machine is so slow
 * that the token expired, or the server timed out, before the client signed in.
 */
const RESUMABLE_CODES = [1000, 1001, 1005, 1006, 1012, 1013, 4401, 4403, 4408];

export interface ConnectionOptions {
  reader: Reader;
  subscriptions: readonly Subscription[];
  random: Random;
  /** The URLs of gateways, over connections that break. */
  gateways: readonly string[];
  signal: AbortSignal;
  /** Called with each event, which is counted. */
  onEvent(event: string): void;
}

/** Keeps its subscriptions open until it is stopped. Rejects when a server misbehaves. */
export type Connection = (options: ConnectionOptions) => Promise<void>;

/** All kinds of clients, by name. */
export const CONNECTIONS: Record<string, Connection> = {
  websocket,
  'graphql-ws': (options) => listen(options, graphqlWsClient(options)),
  sse: (options) => each(options, (subscription) => sse(options, subscription)),
  'graphql-sse': (options) => listen(options, graphqlSseClient(options, false)),
  'graphql-sse, single connection': (options) => listen(options, graphqlSseClient(options, true)),
  multipart: (options) => each(options, (subscription) => multipart(options, subscription)),
};

/** A minimal client of graphql-transport-ws. */
async function websocket(options: ConnectionOptions): Promise<void> {
  const { random, signal, onEvent } = options;
  while (!signal.aborted) {
    const code = await talk(options);
    onEvent(`closed with ${code}`);
    if (!RESUMABLE_CODES.includes(code)) throw new Error(`A socket was closed with ${code}.`);
    await delay(random.around(RECONNECT_MS));
  }
}

/** Returns the code with which the socket was closed. */
async function talk(options: ConnectionOptions): Promise<number> {
  const { reader, subscriptions, random, gateways, signal } = options;
  const url = `${random.pick(gateways).replace('http', 'ws')}/graphql`;
  const headers = await reader.headers();
  const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  const stop = () => socket.terminate();
  signal.addEventListener('abort', stop);
  const say = (message: object) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const subscribe = (subscription: Subscription) =>
    say({
      id: String(subscriptions.indexOf(subscription)),
      type: 'subscribe',
      payload: { query: subscription.query, variables: subscription.variables },
    });
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    const subscription = subscriptions[Number(message.id)];
    if (message.type === 'connection_ack') for (const each of subscriptions) subscribe(each);
    else if (message.type === 'ping') say({ type: 'pong' });
    else if (message.type === 'next') subscription?.take(JSON.stringify(message.payload));
    else if (message.type === 'error') subscription?.fail(message.payload);
    if (subscription && (message.type === 'error' || message.type === 'complete')) {
      options.onEvent('refused');
      subscription.end();
      setTimeout(() => subscribe(subscription), random.around(RECONNECT_MS));
    }
  });
  socket.on('open', () => say({ type: 'connection_init', payload: headers }));
  // An error is followed by `close`.
  socket.on('error', () => {});
  try {
    return await new Promise((resolve) => socket.on('close', resolve));
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Subscribes with the client package; subscribes again if that leaves it to the application. */
async function listen(options: ConnectionOptions, client: SubscriptionClient): Promise<void> {
  await each(options, async (subscription) => {
    const { query, variables } = subscription;
    let abort = () => {};
    await new Promise<void>((resolve) => {
      const stop = resumable(client).subscribe(
        { query, variables },
        {
          next: (result) => void subscription.take(JSON.stringify(result)),
          error: (error) => {
            options.onEvent(`failed: ${describe(error)}`);
            if (Array.isArray(error)) subscription.fail(error);
            resolve();
          },
          complete: () => {
            if (!options.signal.aborted) subscription.end();
            resolve();
          },
        },
      );
      abort = () => {
        stop();
        resolve();
      };
      options.signal.addEventListener('abort', abort);
    });
    options.signal.removeEventListener('abort', abort);
  });
}

function graphqlWsClient({ reader, random, gateways, onEvent }: ConnectionOptions) {
  return createWsClient({
    url: () => `${random.pick(gateways).replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: () => reader.headers(),
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: () => delay(random.around(RECONNECT_MS)),
    on: { closed: (event) => onEvent(`closed with ${(event as { code?: number }).code}`) },
  });
}

function graphqlSseClient(options: ConnectionOptions, singleConnection: boolean) {
  const { reader, random, gateways, onEvent } = options;
  // All operations of a stream are sent to the gateway that has it.
  const [only = ''] = gateways;
  return createSseClient<boolean>({
    url: singleConnection ? `${only}/graphql/stream` : () => `${random.pick(gateways)}/graphql`,
    singleConnection,
    headers: () => reader.headers(),
    fetchFn: async (address: string, request: RequestInit) => {
      const response = await fetch(address, request);
      if (!response.ok) onEvent(`answered with ${response.status}`);
      return response;
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    retry: () => {
      onEvent('connected again');
      return delay(random.around(RECONNECT_MS));
    },
  });
}

/** Server-sent events as a browser would read them. */
async function sse(options: ConnectionOptions, subscription: Subscription): Promise<void> {
  const byHeader = options.random.chance(0.5);
  await read(options, subscription, {
    accept: 'text/event-stream',
    // As last-event-id or as an argument: a client can resume with both.
    headers: byHeader ? { 'last-event-id': subscription.cursor } : {},
    separator: '\n\n',
    take(event) {
      const fields = new Map(
        event.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]),
      );
      if (fields.get('event') === 'complete') return 'complete';
      const id = fields.get('id');
      const data = fields.get('data');
      if (data) subscription.take(data);
      if (id !== undefined && id !== subscription.cursor) {
        subscription.problems.push('An event whose id is not its cursor.');
      }
      return 'next';
    },
  });
}

async function multipart(options: ConnectionOptions, subscription: Subscription): Promise<void> {
  await read(options, subscription, {
    accept: 'multipart/mixed;subscriptionSpec=1.0',
    headers: {},
    separator: '\r\n--graphql',
    take(part) {
      if (part.startsWith('--')) return 'complete';
      const body = part.split('\r\n\r\n', 2)[1];
      const { payload, errors } = JSON.parse(body || '{}');
      if (errors) subscription.fail(errors);
      else if (payload) subscription.take(JSON.stringify(payload));
      return 'next';
    },
  });
}

interface Format {
  accept: string;
  headers: Record<string, string>;
  separator: string;
  take(part: string): 'next' | 'complete';
}

/** Reads one response until it ends or breaks off. */
async function read(
  { reader, random, gateways, signal, onEvent }: ConnectionOptions,
  subscription: Subscription,
  { accept, headers, separator, take }: Format,
): Promise<void> {
  const { query, variables } = subscription;
  const request = new AbortController();
  const abort = () => request.abort();
  signal.addEventListener('abort', abort);
  try {
    const response = await fetch(`${random.pick(gateways)}/graphql`, {
      method: 'POST',
      signal: request.signal,
      headers: {
        ...(await reader.headers()),
        'content-type': 'application/json',
        accept,
        ...headers,
      },
      body: JSON.stringify({
        query,
        variables: 'last-event-id' in headers ? {} : variables,
      }),
    });
    if (!response.headers.get('content-type')?.startsWith(accept.split(';')[0] ?? '')) {
      onEvent(`answered with ${response.status}`);
      subscription.take(await response.text());
      return;
    }
    let rest = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body
      ? Readable.fromWeb(response.body as ReadableStream)
      : []) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split(separator);
      rest = parts.pop() ?? '';
      for (const part of parts) {
        if (take(part) === 'next') continue;
        onEvent('completed');
        subscription.end();
      }
    }
    onEvent('ended');
  } catch (error) {
    if (!isCut(error)) throw error;
    onEvent('cut');
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Runs a subscription again and again until the end. */
async function each(
  { subscriptions, random, signal }: ConnectionOptions,
  run: (subscription: Subscription) => Promise<void>,
): Promise<void> {
  await Promise.all(
    subscriptions.map(async (subscription) => {
      while (!signal.aborted) {
        await run(subscription);
        await delay(random.around(RECONNECT_MS));
      }
    }),
  );
}

/** Whether a fetch failed because of its connection, or was aborted; other errors are bugs. */
function isCut(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'AbortError' || message === 'fetch failed' || message === 'terminated';
}

function describe(error: unknown): string {
  const { code, message } = Object(Array.isArray(error) ? error[0] : error);
  return String(code ?? message);
}
