import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Client } from './api.ts';
import type { Data } from './data.ts';

/** One result of a subscription, as the client reads it. */
export interface Result {
  data?: Data;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}

/** What one subscription has received. */
export interface Subscription {
  /** Oldest first; an error that ends it is one of them. */
  results: Result[];
  /** Data of the only field of each result. */
  received(): Data[];
  /** The code of the first error; undefined when there is none. */
  code(): string | undefined;
  /** Whether the server has ended it, with or without its connection. */
  isOver(): boolean;
  /** Ends it. */
  end(): void;
}

/** The connection of a client. */
export interface Listener {
  subscribe(query: string, variables?: object): Subscription;
  /** Everything that was received, as bytes. */
  raw(): string;
  /** The close code of its socket; undefined while it is open, or without a socket. */
  closeCode(): number | undefined;
  close(): void;
}

type SignedIn = Pick<Client, 'headers'>;

export const TRANSPORTS = ['WebSocket', 'SSE', 'multipart'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Connects as a person or an agent. */
export function listen(
  url: string,
  client: SignedIn,
  transport: Transport = 'WebSocket',
): Listener {
  return transport === 'WebSocket' ? bySocket(url, client) : byHttp(url, client, transport);
}

/** Resolves once so many subscriptions are open at the server. */
export async function listening(
  api: { open(): Promise<{ subscribers: number }> },
  count: number,
): Promise<void> {
  await vi.waitFor(async () => expect((await api.open()).subscribers).toBe(count), {
    // Hundreds at once take a busy machine longer.
    timeout: 20_000 + 50 * count,
    interval: 20,
  });
}

/** Waits until nothing has come for so many milliseconds. */
export async function quiet(listeners: readonly Listener[], ms = 300): Promise<void> {
  const total = () => listeners.reduce((sum, listener) => sum + listener.raw().length, 0);
  for (let before = -1; before !== total(); ) {
    before = total();
    await delay(ms);
  }
}

class CollectedResults implements Subscription {
  readonly results: Result[] = [];
  readonly end: () => void;
  over = false;

  constructor(end: () => void) {
    this.end = end;
  }

  readonly received = () => this.results.map(({ data }) => Object.values(data ?? {})[0]);
  readonly isOver = () => this.over;
  readonly code = () => {
    const [error] = this.results.flatMap(({ errors }) => errors ?? []);
    return error && String(error.extensions.code);
  };
}

function bySocket(url: string, { headers }: SignedIn): Listener {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const subscriptions = new Map<string, CollectedResults>();
  const pending: string[] = [];
  const raw: string[] = [];
  let isReady = false;
  let closeCode: number | undefined;
  const send = (message: object) => {
    const text = JSON.stringify(message);
    if (isReady) socket.send(text);
    else pending.push(text);
  };
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: headers })),
  );
  socket.on('message', (data) => {
    raw.push(String(data));
    const { id, type, payload } = JSON.parse(String(data));
    const subscription = subscriptions.get(id);
    if (type === 'connection_ack') {
      isReady = true;
      for (const text of pending) socket.send(text);
    } else if (type === 'next') {
      subscription?.results.push(payload);
    } else if (type === 'error' || type === 'complete') {
      if (type === 'error') subscription?.results.push({ errors: payload });
      if (subscription) subscription.over = true;
    }
  });
  socket.on('error', () => {});
  socket.on('close', (code) => {
    closeCode = code;
    for (const subscription of subscriptions.values()) subscription.over = true;
  });
  return {
    subscribe(query, variables) {
      const id = String(subscriptions.size);
      const subscription = new CollectedResults(() => send({ id, type: 'complete' }));
      subscriptions.set(id, subscription);
      send({ id, type: 'subscribe', payload: { query, variables } });
      return subscription;
    },
    raw: () => raw.join('\n'),
    closeCode: () => closeCode,
    close: () => socket.terminate(),
  };
}

const ACCEPT = {
  SSE: 'text/event-stream',
  multipart: 'multipart/mixed;subscriptionSpec=1.0',
};

function byHttp(url: string, client: SignedIn, transport: keyof typeof ACCEPT): Listener {
  const all = new AbortController();
  const chunks: string[] = [];
  return {
    subscribe(query, variables) {
      const own = new AbortController();
      const subscription = new CollectedResults(() => own.abort());
      const read = async () => {
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          signal: AbortSignal.any([own.signal, all.signal]),
          headers: {
            ...client.headers,
            'content-type': 'application/json',
            accept: ACCEPT[transport],
          },
          body: JSON.stringify({ query, variables }),
        });
        const end = transport === 'SSE' ? '\n' : '\r\n';
        let unread = '';
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { value } = (await reader?.read()) ?? {};
          if (value === undefined) break;
          chunks.push(value);
          const lines = (unread + value).split(end);
          unread = lines.pop() ?? '';
          for (const line of lines) subscription.results.push(...resultsIn(line));
        }
        // A refusal is JSON, not a line.
        subscription.results.push(...resultsIn(unread));
      };
      void read()
        // Cut, by either side.
        .catch(() => {})
        .finally(() => {
          subscription.over = true;
        });
      return subscription;
    },
    raw: () => chunks.join(''),
    closeCode: () => undefined,
    close: () => all.abort(),
  };
}

/** The result in a line of a response, if there is one. */
function resultsIn(line: string): Result[] {
  const [json] = /\{.*\}$/.exec(line) ?? [];
  if (!json || line.startsWith(':')) return [];
  const { payload, ...result } = JSON.parse(json);
  if (payload) return [payload];
  return 'data' in result || 'errors' in result ? [result] : [];
}
