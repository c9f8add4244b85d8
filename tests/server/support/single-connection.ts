import type { Data } from '../../support/data.ts';
import type { TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import type { Answer } from './gateway.ts';
import { type LiveGateway, type LiveStreams, openLiveGateway } from './live-streams.ts';
import { openRaw, type RawConnection } from './raw-connection.ts';

type Headers = Record<string, string>;

/** A stream on the client's side. */
export interface OpenStream extends RawConnection {
  status: number;
  /** The events received so far. */
  events(): [event: string, data: Data][];
}

/** A gateway, and the requests of graphql-sse's single connection mode. */
export interface SingleConnectionGateway extends LiveGateway {
  /** Reserves a stream. The answer is its token. */
  reserve(headers?: Headers): Promise<Answer>;
  /** Sends an operation whose results the stream sends. */
  post(stream: string, query: string, operationId: unknown, headers?: Headers): Promise<Answer>;
  endOperation(stream: string, operationId: string, headers?: Headers): Promise<Answer>;
  openStream(stream: string, headers?: Headers): Promise<OpenStream>;
  reserveAndOpen(): Promise<OpenStream & { stream: string }>;
}

/** Starts a gateway without streams. */
export async function openSingleConnectionGateway(
  live: LiveStreams,
  database: TestDatabase,
): Promise<SingleConnectionGateway> {
  const gateway = await openLiveGateway(live, database);
  const { authorization } = gateway;

  const reserve = (headers: Headers = {}) =>
    gateway.send('/graphql/stream', { method: 'PUT', headers: { authorization, ...headers } });

  async function openStream(stream: string, headers: Headers = {}): Promise<OpenStream> {
    const lines = Object.entries({
      host: 'gateway',
      accept: 'text/event-stream',
      authorization,
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const raw = openRaw(
      gateway.url,
      `GET /graphql/stream?token=${stream} HTTP/1.1\r\n${lines.join('')}\r\n`,
    );
    await eventually(() => raw.received()).toContain('\r\n\r\n');
    const body = () => raw.received().replace(/\r\n[0-9a-f]+\r\n/g, '');
    return {
      ...raw,
      status: Number(raw.received().split(' ')[1]),
      events: () =>
        [...body().matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event = '', data = '']) => [
          event,
          JSON.parse(data),
        ]),
    };
  }

  return {
    ...gateway,
    reserve,
    post: (stream, query, operationId, headers = {}) =>
      gateway.send('/graphql/stream', {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          'x-graphql-event-stream-token': stream,
          ...headers,
        },
        body: JSON.stringify({ query, extensions: { operationId } }),
      }),
    endOperation: (stream, operationId, headers = {}) =>
      gateway.send(`/graphql/stream?token=${stream}&operationId=${operationId}`, {
        method: 'DELETE',
        headers: { authorization, ...headers },
      }),
    openStream,
    async reserveAndOpen() {
      const { text } = await reserve();
      return { stream: text, ...(await openStream(text)) };
    },
  };
}
