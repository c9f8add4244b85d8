import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { eventually } from '../../support/eventually.ts';
import { openRaw, rawPost } from './raw-connection.ts';
import { connect, subscribe } from './websocket.ts';

/** Starts an operation. Returns a function that disconnects its client. */
export type Begin = (url: string, headers: Headers, query: string) => Promise<() => void>;
type Headers = Record<string, string>;

/** Every way to send an operation and to disconnect without waiting for the answer. */
export const DEPARTURES: Record<string, Begin> = {
  'POST, hung up': async (url, headers, query) => {
    const { socket } = openRaw(url, rawPost('/graphql', headers, { query }));
    return () => socket.destroy();
  },
  'POST, reset': async (url, headers, query) => {
    const { socket } = openRaw(url, rawPost('/graphql', headers, { query }));
    return () => socket.resetAndDestroy();
  },
  'GET, hung up': async (url, headers, query) => {
    const path = `/graphql?query=${encodeURIComponent(query)}`;
    const asking = request(`${url}${path}`, { headers });
    asking.on('error', () => {});
    asking.end();
    return () => asking.destroy();
  },
  'POST for a stream of events, hung up': async (url, headers, query) => {
    const asking = { ...headers, accept: 'text/event-stream' };
    const { socket } = openRaw(url, rawPost('/graphql', asking, { query }));
    return () => socket.destroy();
  },
  'POST on a connection that was used before, hung up': async (url, headers, query) => {
    const raw = openRaw(url, rawPost('/graphql', headers, { query: '{ __typename }' }));
    await eventually(() => raw.received()).toContain('"__typename"');
    raw.socket.write(rawPost('/graphql', headers, { query }));
    return () => raw.socket.destroy();
  },
  'WebSocket, complete': async (url, headers, query) => {
    const client = await connect(url, headers);
    const id = randomUUID();
    client.send(subscribe(id, query));
    return () => {
      client.send({ id, type: 'complete' });
      // When another operation is answered, the first one has been completed.
      client.send(subscribe(randomUUID(), '{ __typename }'));
      void client.receives({ type: 'next' }).then(() => client.socket.close());
    };
  },
  'WebSocket, closed': async (url, headers, query) => {
    const client = await connect(url, headers);
    client.send(subscribe('1', query));
    return () => client.socket.close();
  },
  'WebSocket, cut': async (url, headers, query) => {
    const client = await connect(url, headers);
    client.send(subscribe('1', query));
    return () => client.socket.terminate();
  },
  'single connection, DELETE': async (url, headers, query) => {
    const stream = await openStream(url, headers);
    void stream.post(query);
    return () => {
      void stream.end().finally(stream.cut);
    };
  },
  'single connection, its stream hung up': async (url, headers, query) => {
    const stream = await openStream(url, headers);
    void stream.post(query);
    return stream.cut;
  },
};

/** Opens a stream in single connection mode for one operation. */
async function openStream(url: string, headers: Headers) {
  const path = `${url}/graphql/stream`;
  const send = (address: string, init: RequestInit) => fetch(address, init).catch(() => null);
  const reserved = await fetch(path, { method: 'PUT', headers });
  const stream = await reserved.text();
  const lines = Object.entries({ host: 'gateway', accept: 'text/event-stream', ...headers });
  const raw = openRaw(
    url,
    `GET /graphql/stream?token=${stream} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  await eventually(() => raw.received()).toContain('200 OK');
  return {
    post: (query: string) =>
      send(path, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/json',
          'x-graphql-event-stream-token': stream,
        },
        body: JSON.stringify({ query, extensions: { operationId: '1' } }),
      }),
    end: () => send(`${path}?token=${stream}&operationId=1`, { method: 'DELETE', headers }),
    cut: () => void raw.socket.destroy(),
  };
}
