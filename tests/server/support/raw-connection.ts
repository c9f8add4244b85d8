import { connect, type Socket } from 'node:net';

/** A connection on which a test sends and reads raw bytes. */
export interface RawConnection {
  socket: Socket;
  /** All text received so far. */
  received(): string;
  /** Whether the server has closed or cut it. */
  closed(): boolean;
}

/** Opens a connection to a server and sends the text. */
export function openRaw(url: string, text: string): RawConnection {
  const { hostname, port } = new URL(url);
  // Half-closed connections stay open, since tests check which side closes first.
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let received = '';
  let closed = false;
  socket.setEncoding('utf8');
  socket.on('data', (data) => {
    received += data;
  });
  socket.on('error', () => {});
  socket.on('end', () => {
    closed = true;
  });
  socket.on('close', () => {
    closed = true;
  });
  socket.write(text);
  return { socket, received: () => received, closed: () => closed };
}

/** Returns the text of a POST request. */
export function rawPost(
  path: string,
  headers: Record<string, string>,
  body: unknown,
  version = '1.1',
): string {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    host: 'gateway',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/${version}\r\n${lines.join('')}\r\n${text}`;
}
