import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';

interface Variables {
  after?: string;
}
/** Sends a result; null ends the operation. */
type Send = (result: object | null) => void;

/** Sends the numbers of a log as the gateway sends changes, over all of its protocols. */
export interface LogServer {
  http: string;
  ws: string;
  /** The variable `after` of each operation, in order. */
  cursors: unknown[];
  /** The credentials of each connection, in order. */
  signedIn: unknown[];
  /** Sent instead of the next numbers, if set. */
  instead: object | undefined;
  /** Whether operations are refused with an error that allows a retry. */
  isUnavailable: boolean;
  /** Appends numbers to the log. */
  append(...numbers: number[]): void;
  /** Refuses cursors up to this number from now on. */
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

  const subscribe = ({ after }: Variables, send: Send): (() => void) => {
    server.cursors.push(after);
    const from = Number(after ?? log.at(-1) ?? 0);
    if (from <= trimmed || server.isUnavailable) {
      send(server.isUnavailable ? OUTAGE : EXPIRED);
      send(null);
      return () => {};
    }
    let sent = log.filter((number) => number <= from).length;
    const sendNew = () => {
      for (; sent < log.length; sent += 1) {
        const numberAdded = { number: log[sent], cursor: `${log[sent]}` };
        send(server.instead ?? { data: { numberAdded } });
      }
    };
    sendNew();
    listeners.add(sendNew);
    return () => void listeners.delete(sendNew);
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
    cursors: [],
    signedIn: [],
    instead: undefined,
    isUnavailable: false,
    append(...numbers) {
      log.push(...numbers);
      for (const sendNew of listeners) sendNew();
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

type Subscribe = (variables: Variables, send: Send) => () => void;
type SignIn = (token: unknown) => void;

function serveSocket(socket: WebSocket, subscribe: Subscribe, signIn: SignIn): void {
  const ends = new Map<string, () => void>();
  const sendMessage = (message: object) => socket.send(JSON.stringify(message));
  socket.on('message', (data) => {
    const { id, type, payload } = JSON.parse(String(data));
    if (type === 'connection_init') {
      signIn(payload?.authorization);
      sendMessage({ type: 'connection_ack' });
    } else if (type === 'complete') {
      ends.get(id)?.();
    } else {
      let isOver = false;
      const send: Send = (result) => {
        if (result === EXPIRED) sendMessage({ id, type: 'error', payload: EXPIRED.errors });
        else if (result) sendMessage({ id, type: 'next', payload: result });
        else if (!isOver) sendMessage({ id, type: 'complete' });
        isOver ||= result === EXPIRED;
      };
      ends.set(id, subscribe(payload.variables ?? {}, send));
    }
  });
  socket.on('close', () => {
    for (const end of ends.values()) end();
  });
}

/** Serves one operation per request at /events, many in one stream at /stream, and multipart at /parts. */
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
    let send: Send;
    if (url === '/parts') {
      begin(response, 'multipart/mixed; boundary=graphql').write('\r\n--graphql');
      send = (result) => {
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
      send = (result) => {
        const data = id ? { id, ...(result ? { payload: result } : {}) } : result;
        const event = result ? 'next' : 'complete';
        stream.write(`event: ${event}\ndata: ${data ? JSON.stringify(data) : ''}\n\n`);
        if (!result && !id) stream.end();
      };
    }
    stream.once('close', subscribe(variables ?? {}, send));
  };
}
