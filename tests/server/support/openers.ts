import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Client } from '../../support/api.ts';
import type { QuotaWorld } from './quota-world.ts';
import { connect, openSocket, subscribe } from './websocket.ts';

/** How a client was refused. */
export interface Refusal {
  code: string;
  /** The HTTP status, or the close code of a socket; null for a message on a socket. */
  status: number | null;
  retryAfter?: string | null;
}

/** Something that a client has opened, or was refused. */
export interface Opened {
  /** Null if it was accepted. */
  refusal: Refusal | null;
  /** Ends it as clients do, and waits until it has ended. */
  end(): Promise<void>;
}

/** Opens one more, with the operation `query`. */
export type Open = (world: QuotaWorld, client: Client, query: string) => Promise<Opened>;

const ACCEPT = {
  SSE: 'text/event-stream',
  multipart: 'multipart/mixed;subscriptionSpec=1.0',
};

/** Returns the first result that is not undefined. */
async function firstOf<T>(...looks: (() => Promise<T | undefined> | T | undefined)[]): Promise<T> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(5)) {
    for (const look of looks) {
      const found = await look();
      if (found !== undefined) return found;
    }
  }
  throw new Error('There was no result in time.');
}

const codeIn = (text: string) => /"code":"([A-Z_]+)"/.exec(text)?.[1];

async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text();
  return {
    code: codeIn(text) ?? text,
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
  };
}

const subscribersOf = async ({ api }: QuotaWorld) => (await api.open()).subscribers;

/** Waits until there is one more subscriber, or a refusal. */
async function listening(world: QuotaWorld, before: number, look: () => Refusal | undefined) {
  return firstOf<Refusal | null>(
    async () => ((await subscribersOf(world)) > before ? null : undefined),
    look,
  );
}

/** Leaves, and waits until there is one subscriber less. */
async function leaving(world: QuotaWorld, leave: () => void): Promise<void> {
  const before = await subscribersOf(world);
  leave();
  await firstOf(async () => ((await subscribersOf(world)) < before ? true : undefined));
}

/** A query over HTTP that is held while it runs. */
const requestByHttp =
  (method: 'GET' | 'POST'): Open =>
  async ({ api, held }, { headers }, query) => {
    const before = held.length;
    const search = method === 'GET' ? `?query=${encodeURIComponent(query)}` : '';
    let response: Response | undefined;
    const answered = fetch(`${api.url}/graphql${search}`, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: JSON.stringify({ query }) } : {}),
    }).then((answer) => {
      response = answer;
    });
    const go = await firstOf<Response | (() => void)>(
      () => (held.length > before ? held.at(-1) : undefined),
      () => response,
    );
    if (go instanceof Response) return { refusal: await refusalOf(go), end: async () => {} };
    return {
      refusal: null,
      async end() {
        go();
        await answered;
        expect(response?.status).toBe(200);
        await response?.text();
      },
    };
  };

/** A query over its own socket that is held while it runs. */
const requestBySocket: Open = async ({ api, held }, { headers }, query) => {
  const before = held.length;
  const { socket, send, messages, receives } = await connect(api.url, headers);
  send(subscribe('1', query));
  const go = await firstOf<string | (() => void)>(
    () => (held.length > before ? held.at(-1) : undefined),
    () => messages.find(({ type }) => type === 'error')?.payload[0].extensions.code,
  );
  if (typeof go === 'string') {
    // The socket can still be used.
    send({ type: 'ping' });
    await receives({ type: 'pong' });
    socket.close();
    return { refusal: { code: go, status: null }, end: async () => {} };
  }
  return {
    refusal: null,
    async end() {
      go();
      await receives({ id: '1', type: 'complete' });
      socket.close();
    },
  };
};

const socketOpen: Open = async ({ api }, { headers }) => {
  const { socket, send, messages, closed } = await openSocket(api.url);
  send({ type: 'connection_init', payload: headers });
  let refusal: Refusal | undefined;
  void closed.then(({ code, reason }) => {
    refusal = { code: reason.split(':')[0] ?? '', status: code };
  });
  return {
    refusal: await firstOf<Refusal | null>(
      () => (messages.length > 0 ? null : undefined),
      () => refusal,
    ),
    async end() {
      socket.close();
      await closed;
    },
  };
};

/** A subscription or live query over its own socket. */
const listenBySocket: Open = async (world, { headers }, query) => {
  const before = await subscribersOf(world);
  const { socket, send, messages, closed } = await connect(world.api.url, headers);
  send(subscribe('1', query));
  const refusal = await listening(world, before, () => {
    const code = codeIn(JSON.stringify(messages));
    return code === undefined ? undefined : { code, status: null };
  });
  return {
    refusal,
    async end() {
      if (!refusal) await leaving(world, () => send({ id: '1', type: 'complete' }));
      socket.close();
      await closed;
    },
  };
};

/** A subscription or live query as the answer to a request. */
const listenByHttp =
  (transport: keyof typeof ACCEPT): Open =>
  async (world, { headers }, query) => {
    const before = await subscribersOf(world);
    const control = new AbortController();
    const response = await fetch(`${world.api.url}/graphql`, {
      method: 'POST',
      signal: control.signal,
      headers: { ...headers, 'content-type': 'application/json', accept: ACCEPT[transport] },
      body: JSON.stringify({ query }),
    });
    if (response.status !== 200) {
      return { refusal: await refusalOf(response), end: async () => {} };
    }
    expect(response.headers.get('content-type')).toContain(ACCEPT[transport].split(';')[0]);
    await listening(world, before, () => undefined);
    return {
      refusal: null,
      end: () => leaving(world, () => control.abort()),
    };
  };

/** Reserves a stream of the single connection mode, and opens it. */
async function openStream({ api }: QuotaWorld, { headers }: Client) {
  const url = `${api.url}/graphql/stream`;
  const reserved = await fetch(url, { method: 'PUT', headers });
  if (reserved.status !== 201) return { refusal: await refusalOf(reserved) };
  const named = { ...headers, 'x-graphql-event-stream-token': await reserved.text() };
  const control = new AbortController();
  const { signal } = control;
  const { body } = await fetch(url, { signal, headers: { ...named, accept: ACCEPT.SSE } });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let received = '';
  const read = async () => {
    for (;;) {
      const { value } = (await reader?.read()) ?? {};
      if (value === undefined) return;
      received += value;
    }
  };
  // The stream is cut at the end.
  void read().catch(() => {});
  return {
    refusal: null,
    received: () => received,
    post: (query: string) =>
      fetch(url, {
        method: 'POST',
        headers: { ...named, 'content-type': 'application/json' },
        body: JSON.stringify({ query, extensions: { operationId: '1' } }),
      }),
    close: () => control.abort(),
  };
}

/** A subscription or live query on its own stream in single connection mode. */
const listenOnStream: Open = async (world, client, query) => {
  const before = await subscribersOf(world);
  const stream = await openStream(world, client);
  if (stream.refusal) return { refusal: stream.refusal, end: async () => {} };
  const { status } = await stream.post(query);
  expect(status).toBe(202);
  const refusal = await listening(world, before, () => {
    const code = codeIn(stream.received());
    return code === undefined ? undefined : { code, status: null };
  });
  return {
    refusal,
    async end() {
      if (refusal) stream.close();
      else await leaving(world, stream.close);
    },
  };
};

/** A query in single connection mode that is held while it runs. */
const requestOnStream: Open = async (world, client, query) => {
  const { held } = world;
  const before = held.length;
  const stream = await openStream(world, client);
  if (stream.refusal) return { refusal: stream.refusal, end: async () => {} };
  let response: Response | undefined;
  const answered = stream.post(query).then((answer) => {
    response = answer;
  });
  const go = await firstOf<Response | (() => void)>(
    () => (held.length > before ? held.at(-1) : undefined),
    () => response,
  );
  if (go instanceof Response)
    return { refusal: await refusalOf(go), end: async () => stream.close() };
  return {
    refusal: null,
    async end() {
      go();
      await answered;
      expect(response?.status).toBe(202);
      stream.close();
    },
  };
};

const listens: Record<string, Open> = {
  WebSocket: listenBySocket,
  SSE: listenByHttp('SSE'),
  multipart: listenByHttp('multipart'),
  'single connection': listenOnStream,
};

/** The ways to open one more, for each resource. */
export const openers: Record<string, Record<string, Open>> = {
  requests: {
    'a POST': requestByHttp('POST'),
    'a GET': requestByHttp('GET'),
    'a WebSocket': requestBySocket,
    'single connection': requestOnStream,
  },
  sockets: { 'a WebSocket': socketOpen },
  streams: {
    SSE: listenByHttp('SSE'),
    multipart: listenByHttp('multipart'),
    'single connection': listenOnStream,
  },
  subscriptions: listens,
  'live-queries': listens,
  distinct: listens,
};
