import { randomUUID } from 'node:crypto';
import { type ClientOptions, createClient } from 'graphql-ws';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { WebSocket } from 'ws';
import { currentRequestId } from '../../src/context/request-id.ts';
import { startGateway, type TestGateway } from './support/gateway.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  RESUME,
} from './support/live-streams.ts';
import type { Message, RawClient } from './support/websocket.ts';

export const live = createLiveStreams();

export const { listening } = live;

/** The lines in the log of `plain`, oldest first. */
export const log: Record<string, unknown>[] = [];

/** A gateway that answers subscriptions with live streams. */
export let gateway: LiveGateway;

/** A gateway that answers subscriptions by its schema. */
export let plain: TestGateway;

export let authorization: string;

export const client = (url = gateway.url, options: Partial<ClientOptions> = {}) =>
  createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 3,
    retryWait: async () => {},
    ...options,
  });

/** Sends an operation. Returns all messages of its answer. */
export async function ask(socket: RawClient, query: string, variables?: object, more: object = {}) {
  const id = randomUUID();
  socket.send({ id, type: 'subscribe', payload: { query, variables, ...more } });
  await Promise.race([
    socket.receives({ id, type: 'complete' }),
    socket.receives({ id, type: 'error' }),
  ]);
  return socket.messages
    .filter((message) => message.id === id)
    .map(({ type, payload }) => ({ type, payload }));
}

export const codes = (messages: Pick<Message, 'type' | 'payload'>[]) =>
  messages.flatMap(({ type, payload }) =>
    (type === 'error' ? payload : (payload?.errors ?? [])).map(
      (error: { extensions: { code: string } }) => `${type} ${error.extensions.code}`,
    ),
  );

/** Registers the hooks that create and close what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    gateway = await openLiveGateway(live);
    ({ authorization } = gateway);
    plain = await startGateway(gateway.database.gatewayUrl, {
      statementTimeoutMs: 30_000,
      logger: pino(
        { base: null, mixin: () => ({ requestId: currentRequestId() }) },
        { write: (line: string) => void log.push(JSON.parse(line)) },
      ),
    });
  });
  afterEach(() => live.end(RESUME));
  afterAll(async () => {
    await plain?.close();
    await gateway?.close();
  });
}
