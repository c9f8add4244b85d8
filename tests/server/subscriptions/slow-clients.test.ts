import * as diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { MAX_UNSENT_BYTES } from '../../../src/subscriptions/result-stream.ts';
import { type LiveApi, openLiveApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createTenant, type Tenant } from '../../support/tenant.ts';
import { limits } from '../support/gateway.ts';
import { openRaw, type RawConnection, rawPost } from '../support/raw-connection.ts';
import { connect, subscribe } from '../support/websocket.ts';

const CLIENTS = 200;
const STUCK = 20;
const EVENTS = 4_000;
const BATCH = 100;
/** Large enough that unread messages exceed the system's buffers and the limit. */
const MESSAGE_BYTES = 2_000;
/** How many events the reading clients may be behind. */
const LEAD = 400;
const PATIENCE_MS = 180_000;
const QUERY = `subscription ($after: String) {
  alertRaised(after: $after) { cursor node { title message } }
}`;

let db: TestDatabase;
let tenant: Tenant;
let api: LiveApi;
let headers: Record<string, string>;
/** The first byte of a WebSocket's close frame. */
const CLOSE_FRAME = 0x88;
/** The server's sockets, by the client's port. */
const serverSockets = new Map<number, Socket>();
/** The unsent bytes when the server ended a connection, by the client's port. */
const unsentAtEnd = new Map<number, number>();
const onSocket = (message: unknown) => {
  const { socket } = message as { socket: Socket };
  const port = Number(socket.remotePort);
  serverSockets.set(port, socket);
  unsentAtEnd.delete(port);
  const noteEnd = () => {
    if (!unsentAtEnd.has(port)) unsentAtEnd.set(port, socket.writableLength);
  };
  const [write, destroy] = [socket.write.bind(socket), socket.destroy.bind(socket)];
  socket.write = ((...args: Parameters<Socket['write']>) => {
    if (args[0][0] === CLOSE_FRAME) noteEnd();
    return write(...args);
  }) as Socket['write'];
  socket.destroy = (error) => {
    noteEnd();
    return destroy(error);
  };
};

beforeAll(async () => {
  diagnostics.subscribe('net.server.socket', onSocket);
  db = await createTestDatabase();
  tenant = await createTenant(db);
  // A client that does not read answers no pings. On a slow machine these would end it before the limit.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  // All clients belong to one person.
  api = await openLiveApi(db, { limits: limits({ person: { sockets: 1_000, streams: 1_000 } }) });
  ({ headers } = await api.as(tenant.people.Viewer, tenant.workspaceId));
  // The first socket starts the timer of pings.
  (await connect(api.url, headers)).socket.close();
  vi.useRealTimers();
});

afterAll(async () => {
  diagnostics.unsubscribe('net.server.socket', onSocket);
  await api?.close();
  await db?.close();
});

/** The alerts that a client has received. They are numbered and must arrive in order. */
class Numbers {
  next = 1;
  cursor: string | undefined;
  readonly mistakes: string[] = [];

  take(text: string): void {
    const number = Number(/"title":"Alert (\d+)"/.exec(text)?.[1]);
    if (number !== this.next) this.mistakes.push(`${number} instead of ${this.next}`);
    this.next = number + 1;
    this.cursor = /"cursor":"([\w-]+)"/.exec(text)?.[1];
  }
}

interface Client {
  numbers: Numbers;
  socket: WebSocket;
  closed: Promise<{ code: number; reason: string }>;
}

async function open(after?: string): Promise<Client> {
  const { socket, send, messages, closed } = await connect(api.url, headers);
  // Messages are counted and not kept, since there are too many.
  socket.removeAllListeners('message');
  messages.length = 0;
  const numbers = new Numbers();
  socket.on('message', (data) => numbers.take(String(data)));
  send(subscribe('1', QUERY, { after }));
  return { numbers, socket, closed };
}

function portOf({ socket }: { socket: WebSocket }): number {
  return (socket as unknown as { _socket: Socket })._socket.localPort as number;
}

async function raise(first: number, count: number): Promise<void> {
  await db.query(
    `insert into system_alerts (workspace_id, alert_type, title, message)
     select $1, 'error', 'Alert ' || n, repeat('x', $4)
     from generate_series($2::integer, $2::integer + $3::integer - 1) as n`,
    [tenant.workspaceId, first, count, MESSAGE_BYTES],
  );
}

describe(`when ${STUCK} of ${CLIENTS} clients stop reading`, () => {
  let reading: Client[];
  let stuck: Client[];
  const rawStuck: RawConnection[] = [];
  /** The most unsent bytes of each stuck client, by its port. */
  const unsent = new Map<number, number>();
  /** The unsent bytes of each stuck client when it was ended. */
  let atEnd: number[];

  beforeAll(async () => {
    reading = await Promise.all(Array.from({ length: CLIENTS - STUCK }, () => open()));
    stuck = await Promise.all(Array.from({ length: STUCK - 4 }, () => open()));
    for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0']) {
      for (let n = 0; n < 2; n += 1) {
        const request = rawPost('/graphql', { ...headers, accept }, { query: QUERY });
        rawStuck.push(openRaw(api.url, request));
      }
    }
    await vi.waitFor(async () => expect((await api.open()).subscribers).toBe(CLIENTS), 20_000);
    for (const client of stuck) client.socket.pause();
    for (const { socket } of rawStuck) socket.pause();
    const resume = new Map<number, () => void>();
    for (const client of stuck) resume.set(portOf(client), () => client.socket.resume());
    for (const { socket } of rawStuck) resume.set(Number(socket.localPort), () => socket.resume());
    const sample = () => {
      for (const port of resume.keys()) {
        const { writableLength = 0 } = serverSockets.get(port) ?? {};
        unsent.set(port, Math.max(unsent.get(port) ?? 0, writableLength));
      }
    };
    const sampling = setInterval(sample, 1);
    // A client that never reads would not receive the close code, and is cut after half a minute.
    const resumeEnded = () => {
      for (const [port, resumeClient] of resume) if (unsentAtEnd.has(port)) resumeClient();
    };
    for (let first = 1; first <= EVENTS; first += BATCH) {
      await raise(first, BATCH);
      await vi.waitFor(() => {
        resumeEnded();
        const last = Math.min(...reading.map(({ numbers }) => numbers.next));
        expect(last).toBeGreaterThan(first + BATCH - LEAD);
      }, PATIENCE_MS);
    }
    await vi.waitFor(() => {
      resumeEnded();
      expect([...resume.keys()].filter((port) => !unsentAtEnd.has(port))).toEqual([]);
    }, PATIENCE_MS);
    atEnd = [...resume.keys()].map((port) => unsentAtEnd.get(port) ?? 0);
    clearInterval(sampling);
  }, PATIENCE_MS);

  afterAll(() => {
    for (const { socket } of [...reading, ...stuck]) socket.terminate();
    for (const { socket } of rawStuck) socket.destroy();
  });

  it(
    'the others receive every event once and in order',
    async () => {
      await vi.waitFor(() => {
        for (const { numbers } of reading) expect(numbers.next).toBe(EVENTS + 1);
      }, PATIENCE_MS);
      expect(reading.flatMap(({ numbers }) => numbers.mistakes)).toEqual([]);
    },
    PATIENCE_MS,
  );

  it('each has at most the allowed number of unsent bytes', () => {
    expect(atEnd).toHaveLength(STUCK);
    expect(Math.max(...atEnd, ...unsent.values())).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
    // The limit has ended them.
    expect(Math.min(...atEnd)).toBeGreaterThan(MAX_UNSENT_BYTES * 0.95);
  });

  it(
    'each is closed with 1013 or cut off, and no longer counted',
    async () => {
      await vi.waitFor(async () => {
        expect((await api.open()).subscribers).toBe(CLIENTS - STUCK);
      }, PATIENCE_MS);
      for (const { closed } of stuck) expect(await closed).toMatchObject({ code: 1013 });
      await vi.waitFor(() => {
        for (const { closed } of rawStuck) expect(closed()).toBe(true);
      }, PATIENCE_MS);
      for (const { numbers } of stuck) {
        expect(numbers.mistakes).toEqual([]);
        expect(numbers.next).toBeLessThan(EVENTS);
      }
    },
    PATIENCE_MS,
  );

  it(
    'each resumes from its cursor and misses nothing',
    async () => {
      const resumed = await Promise.all(
        stuck.map(async ({ numbers }) => {
          const client = await open(numbers.cursor);
          client.numbers.next = numbers.next;
          return client;
        }),
      );
      await vi.waitFor(() => {
        for (const { numbers } of resumed) expect(numbers.next).toBe(EVENTS + 1);
      }, PATIENCE_MS);
      expect(resumed.flatMap(({ numbers }) => numbers.mistakes)).toEqual([]);
      for (const { socket } of resumed) socket.terminate();
    },
    PATIENCE_MS,
  );
});
