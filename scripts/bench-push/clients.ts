// Subscribers of the benchmark, in a process of their own. They speak just enough of
// graphql-transport-ws to subscribe, and only look which event comes: on two
// cores all work of the clients slows the gateway.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Open {
  kind: 'open';
  port: number;
  token: string;
  workspaceId: string;
  query: string;
  /** Variables, one subscriber each. */
  variables: object[];
}
/** Requests the arrivals of so many events, or of those that came within so many milliseconds. */
export interface Collect {
  kind: 'collect';
  events: number;
  patienceMs: number;
}
export interface Close {
  kind: 'close';
}
export interface Arrival {
  event: number;
  /** Times of the monotonic clock, in nanoseconds, as text: IPC knows no big integers. */
  first: string;
  last: string;
  clients: number;
}

const CONNECTING_AT_ONCE = 100;
const MARK = Buffer.from('"title":"event ');
const QUOTE = 0x22;
/** Neither is part of a result in ASCII. */
const PING = Buffer.from([0x89, 0x00]);
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

let sockets: Socket[] = [];
let arrivals = new Map<number, { first: bigint; last: bigint; clients: number }>();
let waiting: (() => void) | null = null;

process.on('message', async (message: Open | Collect | Close) => {
  if (message.kind === 'open') await open(message);
  if (message.kind === 'close') await close();
  process.send?.(message.kind === 'collect' ? await collect(message) : null);
});

async function open(options: Open): Promise<void> {
  const left = [...options.variables.entries()];
  const connectNext = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      sockets.push(await subscribe(options, next[1]));
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectNext));
}

async function close(): Promise<void> {
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  sockets = [];
}

async function collect({ events, patienceMs }: Collect): Promise<Arrival[]> {
  const isDone = () =>
    arrivals.size >= events &&
    [...arrivals.values()].every(({ clients }) => clients >= sockets.length);
  const deadline = Date.now() + patienceMs;
  while (!isDone() && Date.now() < deadline) {
    await new Promise<void>((resolve) => {
      waiting = resolve;
      setTimeout(resolve, 50);
    });
  }
  const all = [...arrivals].map(([event, { first, last, clients }]) => ({
    event,
    first: String(first),
    last: String(last),
    clients,
  }));
  arrivals = new Map();
  return all;
}

async function subscribe({ port, token, workspaceId, query }: Open, variables: object) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
  );
  await until(socket, '101 Switching Protocols');
  const payload = { authorization: `Bearer ${token}`, 'x-workspace-id': workspaceId };
  send(socket, { type: 'connection_init', payload });
  await until(socket, 'connection_ack');
  send(socket, {
    type: 'subscribe',
    id: randomBytes(16).toString('hex'),
    payload: { query, variables },
  });
  // Answered after the subscription was made: messages of a socket are handled in order.
  socket.on('data', taker(socket));
  return socket;
}

async function until(socket: Socket, text: string): Promise<void> {
  for (;;) {
    const [data] = (await once(socket, 'data')) as [Buffer];
    if (data.includes(text)) return;
    if (data.includes('HTTP/1.1') || data[0] === 0x88) throw new Error(`Refused: ${data}`);
  }
}

function send(socket: Socket, message: object): void {
  const body = Buffer.from(JSON.stringify(message));
  const long = body.length > 125;
  const head = Buffer.alloc(long ? 8 : 6);
  head[0] = 0x81;
  head[1] = 0x80 | (long ? 126 : body.length);
  if (long) head.writeUInt16BE(body.length, 2);
  // A mask of zeros leaves the body as it is.
  socket.write(Buffer.concat([head, body]));
}

/** Returns what counts the events in a socket's data, which may be cut anywhere. */
function taker(socket: Socket): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    const now = process.hrtime.bigint();
    const bytes = rest.length > 0 ? Buffer.concat([rest, data]) : data;
    if (bytes.includes(PING)) socket.write(PONG);
    let end = 0;
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, end)) {
      const quote = bytes.indexOf(QUOTE, at + MARK.length);
      if (quote < 0) break;
      note(Number(bytes.toString('latin1', at + MARK.length, quote)), now);
      end = quote;
    }
    rest = bytes.subarray(Math.max(end, bytes.length - MARK.length - 12));
    waiting?.();
  };
}

function note(event: number, now: bigint): void {
  const arrival = arrivals.get(event);
  if (arrival) {
    arrival.last = now;
    arrival.clients += 1;
  } else {
    arrivals.set(event, { first: now, last: now, clients: 1 });
  }
}
