import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';

interface Variables {
  after?: string;
}
/** Takes a result; null when there will be no more. */
type Tell = (result: object | null) => void;

/** Tells the numbers of a log as the gateway tells changes, over any of its protocols. */
export interface LogServer {
  http: string;
  ws: string;
  /** The variable `after` of each operation, in order. */
  asked: unknown[];
  /** The credentials that connections came with, in order. */
  signedIn: unknown[];
  /** Told in place of the next numbers, if given. */
  instead: object | undefined;
  /** Whether operations are refused, as one that may be tried again. */
  isOut: boolean;
  /** Appends numbers to the log. */
  tell(...numbers: number[]): void;
  /** Refuses cursors of numbers up to this one. */
  expire(number: number): void;
  /** Cuts all connections. */
  cut(): void;
  close(): Promise<void>;
}

const EXPIRED = { errors: [{ message: 'Too old.', extensions: { code: 'CURSOR_EXPIRED' } }] };
const OUTAGE = { errors: [{ message: 'Shortly.', extensions: { code: 'SERVICE_UNAVAILABLE' } }] };

export async function startLogServer(): Promise<LogServer> {
  const log: number[] = [];
  const listeners = new Set<() => void>();
  let trimmed = Number.NEGATIVE_INFINITY;

  const subscribe = ({ after }: Variables, tell: Tell): (() => void) => {
    server.asked.push(after);
    const from = Number(after ?? log.at(-1) ?? 0);
    if (from <= trimmed || server.isOut) {
      tell(server.isOut ? OUTAGE : EXPIRED);
      tell(null);
      return () => {};
    }
    let told = log.filter((number) => number <= from).length;
    const goOn = () => {
      for (; told < log.length; told += 1) {
        tell(server.instead ?? { data: { told: { number: log[told], cursor: `${log[told]}` } } });
      }
    };
    goOn();
    listeners.add(goOn);
    return () => void listeners.delete(goOn);
  };

  const web = createServer(createHandler(subscribe, (token) => server.signedIn.push(token)));
  const sockets = new WebSocketServer({ server: web });
  sockets.on('connection', (socket) => {
    serveSocket(socket, subscribe, (token) => server.signedIn.push(token));
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const { port } = web.address() as AddressInfo;

  const server: LogServer = {
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    asked: [],
    signedIn: [],
    instead: undefined,
    isOut: false,
    tell(...numbers) {
      log.push(...numbers);
      for (const goOn of listeners) goOn();
    },
    expire(number) {
      trimmed = number;
    },
    cut() {
      for (const socket of sockets.clients) socket.terminate();
      web.closeAllConnections();
    },
    async close() {
      web.close();
      server.cut();
      await once(web, 'close');
    },
  };
  return server;
}

type Subscribe = (variables: Variables, tell: Tell) => () => void;
type SignIn = (token: unknown) => void;

function serveSocket(socket: WebSocket, subscribe: Subscribe, signIn: SignIn): void {
  const ends = new Map<string, () => void>();
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on('message', (data) => {
    const { id, type, payload } = JSON.parse(String(data));
    if (type === 'connection_init') {
      signIn(payload?.authorization);
      send({ type: 'connection_ack' });
    } else if (type === 'complete') {
      ends.get(id)?.();
    } else {
      let isOver = false;
      const tell: Tell = (result) => {
        if (result === EXPIRED) send({ id, type: 'error', payload: EXPIRED.errors });
        else if (result) send({ id, type: 'next', payload: result });
        else if (!isOver) send({ id, type: 'complete' });
        isOver ||= result === EXPIRED;
      };
      ends.set(id, subscribe(payload.variables ?? {}, tell));
    }
  });
  socket.on('close', () => {
    for (const end of ends.values()) end();
  });
}

/** Serves events of one operation at /events, of many in a stream at /stream, Apollo's at /parts. */
function createHandler(subscribe: Subscribe, signIn: SignIn) {
  const streams = new Map<string, ServerResponse>();
  const begin = (response: ServerResponse, type: string) => {
    response.writeHead(200, { 'content-type': type }).flushHeaders();
    return response;
  };
  return async (request: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers } = request;
    const token = String(headers['x-graphql-event-stream-token']);
    if (method === 'PUT' || url !== '/stream') signIn(headers.authorization);
    if (method === 'PUT') return response.writeHead(201).end(String(Math.random()));
    if (method === 'GET') return streams.set(token, begin(response, 'text/event-stream'));
    if (method === 'DELETE') return response.end();

    const { variables, extensions } = JSON.parse(await text(request));
    let stream = response;
    let tell: Tell;
    if (url === '/parts') {
      begin(response, 'multipart/mixed; boundary=graphql').write('\r\n--graphql');
      tell = (result) => {
        if (!result) return stream.end('--\r\n');
        const part = result === EXPIRED ? { payload: null, ...EXPIRED } : { payload: result };
        return stream.write(
          `\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(part)}\r\n--graphql`,
        );
      };
    } else {
      const id = extensions?.operationId;
      if (id) {
        stream = streams.get(token) as ServerResponse;
        response.writeHead(202).end();
      } else begin(response, 'text/event-stream');
      tell = (result) => {
        const data = id ? { id, ...(result ? { payload: result } : {}) } : result;
        const event = result ? 'next' : 'complete';
        stream.write(`event: ${event}\ndata: ${data ? JSON.stringify(data) : ''}\n\n`);
        if (!result && !id) stream.end();
      };
    }
    stream.once('close', subscribe(variables ?? {}, tell));
  };
}
