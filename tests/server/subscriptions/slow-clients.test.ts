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
/** Enough that what a client has not read passes what the system keeps, and the bound. */
const MESSAGE_BYTES = 2_000;
/** How far the clients that read may be behind. */
const LEAD = 400;
const PATIENCE_MS = 180_000;
const QUERY = `subscription ($after: String) {
  alertRaised(after: $after) { cursor node { title message } }
}`;

let db: TestDatabase;
let tenant: Tenant;
let api: LiveApi;
let headers: Record<string, string>;
/** The first byte of the frame that ends a WebSocket. */
const CLOSE_FRAME = 0x88;
/** The server's ends of all connections, by the client's port. */
const serverSockets = new Map<number, Socket>();
/** What was unsent when the server ended a connection, by the client's port. */
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
  // Whoever reads nothing answers no pings: where all takes long, they would end it before the bound.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  // All clients are one person.
  api = await openLiveApi(db, { limits: limits({ person: { sockets: 1_000, streams: 1_000 } }) });
  ({ headers } = await api.as(tenant.people.Viewer, tenant.workspaceId));
  // The first socket sets the clock of pings.
  (await connect(api.url, headers)).socket.close();
  vi.useRealTimers();
});

afterAll(async () => {
  diagnostics.unsubscribe('net.server.socket', onSocket);
  await api?.close();
  await db?.close();
});

/** What a client has been told: alerts are numbered, and told in this order. */
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
  // Only counted: thousands of clients' messages would have to be kept.
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

describe(`of ${CLIENTS} clients ${STUCK} stop reading`, () => {
  let reading: Client[];
  let stuck: Client[];
  const rawStuck: RawConnection[] = [];
  /** The most that was unsent to a stuck client, by its port. */
  const unsent = new Map<number, number>();
  /** What was unsent to each stuck client when it was ended. */
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
    // Whoever reads nothing at all is never told the code, and is waited for half a minute only.
    const resumeEnded = () => {
      for (const [port, goOn] of resume) if (unsentAtEnd.has(port)) goOn();
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
    'the others are told every event, once and in order',
    async () => {
      await vi.waitFor(() => {
        for (const { numbers } of reading) expect(numbers.next).toBe(EVENTS + 1);
      }, PATIENCE_MS);
      expect(reading.flatMap(({ numbers }) => numbers.mistakes)).toEqual([]);
    },
    PATIENCE_MS,
  );

  it('each costs at most the bound', () => {
    expect(atEnd).toHaveLength(STUCK);
    expect(Math.max(...atEnd, ...unsent.values())).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
    // The bound is what ended them.
    expect(Math.min(...atEnd)).toBeGreaterThan(MAX_UNSENT_BYTES * 0.95);
  });

  it(
    'each is closed with 1013, or cut off, and forgotten',
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
    'each goes on from its cursor, and misses nothing',
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
