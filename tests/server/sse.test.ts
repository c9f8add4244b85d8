import { createClient } from 'graphql-sse';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, token } from './support/gateway.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  PERSON,
  RESUME,
  STOP,
  SUBSCRIPTION,
} from './support/live-streams.ts';

const live = createLiveStreams();
const { listening } = live;
let gateway: LiveGateway;
let authorization: string;

beforeAll(async () => {
  gateway = await openLiveGateway(live);
  ({ authorization } = gateway);
});
afterEach(() => live.end(RESUME));
afterAll(() => gateway?.close());

/** Opens a stream. `read` reads until the stream ends or contains the text. */
async function open(headers: Record<string, string> = {}, query = SUBSCRIPTION) {
  const aborting = new AbortController();
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    signal: aborting.signal,
    headers: {
      authorization,
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ query }),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = async (until = '\n\n\n\n') => {
    while (!text.includes(until)) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      text += value;
    }
    return text;
  };
  return { response, read, abort: () => aborting.abort() };
}

describe('a subscription over server-sent events', () => {
  it('receives each result with its cursor, then the reason of its end', async () => {
    const { response, read } = await open();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    live.send({ ticks: 'a\nb' }, 'first');
    live.send({ ticks: 'é' });
    live.end({ ...STOP, argument: 'after' });
    expect(await read()).toBe(
      [
        ':',
        'event: next\nid: first\ndata: {"data":{"ticks":"a\\nb"}}',
        'event: next\ndata: {"data":{"ticks":"é"}}',
        'event: next\ndata: {"errors":[{"message":"Read it again.","extensions":{"code":"CURSOR_EXPIRED","argument":"after"}}]}',
        'event: complete\ndata:',
        '',
      ].join('\n\n'),
    );
  });

  it('works with the client of graphql-sse, and ends when that unsubscribes', async () => {
    const client = createClient({ url: `${gateway.url}/graphql`, headers: { authorization } });
    const results = client.iterate({ query: SUBSCRIPTION });
    const first = results.next();
    await listening();
    live.send({ ticks: 'a' }, 'first');
    expect((await first).value).toEqual({ data: { ticks: 'a' } });
    await results.return?.();
    await listening(0);
  });

  it('breaks off if the client should reconnect, as graphql-sse does', async () => {
    const client = createClient({
      url: `${gateway.url}/graphql`,
      headers: { authorization },
      retry: async () => {},
    });
    const results = client.iterate({ query: SUBSCRIPTION });
    const first = results.next();
    await listening();
    const before = live.listeners.length;
    live.end(RESUME);
    await listening();
    expect(live.listeners.length).toBe(before + 1);
    live.send({ ticks: 'again' });
    expect((await first).value).toEqual({ data: { ticks: 'again' } });
    await results.return?.();

    const { read } = await open();
    live.send({ ticks: 'a' });
    await expect(read('"a"')).resolves.not.toContain('complete');
    live.end(RESUME);
    await expect(read()).rejects.toThrow();
  });

  it('can be opened by GET', async () => {
    const aborting = new AbortController();
    const { status } = await fetch(
      `${gateway.url}/graphql?query=${encodeURIComponent(SUBSCRIPTION)}`,
      { headers: { authorization, accept: 'text/event-stream' }, signal: aborting.signal },
    );
    expect(status).toBe(200);
    await listening();
    aborting.abort();
    await listening(0);
  });

  it.each([
    ['a cursor', 'abc.DEF-_1', 'abc.DEF-_1'],
    ['anything else', '{"no": "cursor"} %00', '{"no": "cursor"} %00'],
    ['nothing', '', undefined],
  ])('resumes after Last-Event-ID: %s', async (_, sent, expected) => {
    const { abort } = await open({ 'last-event-id': sent });
    expect(live.present()[0]?.lastEventId).toBe(expected);
    abort();
    await listening(0);
  });

  it('breaks off when its token expires, so that the client reconnects with a new one', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2;
    const { read } = await open({
      authorization: `Bearer ${await token({ sub: PERSON, exp })}`,
    });
    const lasting = await open();
    await expect(read()).rejects.toThrow();
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    expect(Date.now()).toBeLessThan(exp * 1000 + 5_000);
    await listening(1);
    live.send({ ticks: 'a' });
    expect(await lasting.read('"a"')).toContain('"a"');
    lasting.abort();
  });
});

describe('another operation over server-sent events', () => {
  it('receives its result and complete', async () => {
    const { response, read } = await open({}, '{ me }');
    expect(response.status).toBe(200);
    expect(await read()).toContain(
      `event: next\ndata: {"data":{"me":"${PERSON}"}}\n\nevent: complete\ndata:\n\n`,
    );
  });

  it('that is refused receives the reason and complete', async () => {
    for (const query of ['subscription { tocks }', 'subscription { ticks', '{ gatewayError }']) {
      const { response, read } = await open({}, query);
      expect(response.status).toBe(200);
      const text = await read();
      expect(text).toMatch(/event: next\ndata: \{.*"errors":\[/);
      expect(text).toMatch(/event: complete\ndata:\n\n$/);
    }
    await listening(0);
  });

  it('without a valid token is refused with 401', async () => {
    const { response, read } = await open({ authorization: 'Bearer x' });
    expect(response.status).toBe(401);
    expect(await read()).toContain('UNAUTHENTICATED');
    await listening(0);
  });
});

describe('the accept header of a subscription', () => {
  it.each([
    ['application/json'],
    ['application/graphql-response+json'],
    ['*/*'],
    ['text/*'],
    ['text/event-stream;q=0, application/json'],
    ['multipart/mixed, application/json'],
    ['multipart/mixed;subscriptionSpec=2.0, application/json'],
    ['multipart/mixed;deferSpec=20220824, application/json'],
    ['text/event-streams, ;;=,"'],
  ])('%s is refused before it subscribes', async (accept) => {
    const before = live.listeners.length;
    const answer = await gateway.ask(SUBSCRIPTION, { authorization, accept });
    expect(answer.status).toBe(406);
    expect(answer.text).toMatch(
      /"Results .*text\/event-stream.*multipart\/mixed.*WebSocket.*BAD_REQUEST/,
    );
    expect(live.listeners.length).toBe(before);
  });

  it.each([
    ['TEXT/Event-Stream; charset=utf-8', 'text/event-stream'],
    ['application/json, text/event-stream, multipart/mixed', 'text/event-stream'],
    ['application/json, text/event-stream;q=0.1', 'text/event-stream'],
    ['multipart/mixed;subscriptionSpec="1.0", text/event-stream', 'multipart/mixed'],
    ['multipart/mixed;subscriptionSpec=1.0;q=0.5, text/event-stream;q=0.9', 'text/event-stream'],
    ['multipart/mixed; boundary=graphql; SUBSCRIPTIONSPEC = 1.0', 'multipart/mixed'],
  ])('%s gets %s', async (accept, type) => {
    const { response, abort } = await open({ accept });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain(type);
    abort();
    await listening(0);
  });
});

describe('a page of an allowed origin', () => {
  it('can send the headers of streams', async () => {
    const other = await startGateway(gateway.database.gatewayUrl, {
      corsOrigins: ['https://app.example'],
      plugins: [live.plugin],
    });
    try {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const { headers, status } = await other.send('/graphql/stream', {
          method: 'OPTIONS',
          headers: {
            origin: 'https://app.example',
            'access-control-request-method': method,
            'access-control-request-headers':
              'authorization,last-event-id,x-graphql-event-stream-token,x-workspace-id',
          },
        });
        expect(status).toBe(204);
        expect(headers.get('access-control-allow-methods')).toContain(method);
        expect(headers.get('access-control-allow-headers')).toMatch(
          /last-event-id.*x-graphql-event-stream-token/,
        );
      }
      const aborting = new AbortController();
      const { headers } = await fetch(`${other.url}/graphql`, {
        method: 'POST',
        headers: {
          authorization,
          origin: 'https://app.example',
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: JSON.stringify({ query: SUBSCRIPTION }),
        signal: aborting.signal,
      });
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
      aborting.abort();
    } finally {
      await other.close();
    }
  });
});
