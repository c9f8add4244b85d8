import { connect, type Socket } from 'node:net';

/** A POST to a local server. */
export interface Call {
  port: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface Answer {
  status: number;
  body: string;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
/** Between HTTP/1.1 and its status. */
const STATUS_AT = 9;

/** Returns the bytes of a request over a connection that is kept. */
export function written({ port, headers, body }: Call): Buffer {
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /graphql HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** Sends one request over a connection of its own. */
export async function send(call: Call): Promise<Answer> {
  const connection = new Connection(call.port);
  try {
    return answerOf(await connection.exchange(written(call)));
  } finally {
    connection.close();
  }
}

/** Returns what the bytes of an answer say. */
export function answerOf(answer: Buffer): Answer {
  const head = answer.indexOf(HEAD_END);
  const isChunked = answer.includes('\r\nTransfer-Encoding: chunked');
  const body = answer.subarray(head + HEAD_END.length);
  return { status: statusOf(answer), body: isChunked ? joinChunks(body) : body.toString() };
}

export function statusOf(answer: Buffer): number {
  return Number(answer.toString('latin1', STATUS_AT, STATUS_AT + 3));
}

/**
 * A connection that is kept, for one request at a time. It reads no more of an answer than where it
 * ends, so that the load takes little CPU from the server on the same machine.
 */
export class Connection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  /** Bytes that are still to come; unknown until the head is there, and for an answer in chunks. */
  #missing = Number.NaN;
  #settle: { resolve: (answer: Buffer) => void; reject: (error: Error) => void } | null = null;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#settle?.reject(error));
    this.#socket.on('close', () => this.#settle?.reject(new Error('The server hung up')));
  }

  /** Sends a request and resolves to all bytes of its answer. */
  exchange(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#received = [];
      this.#missing = Number.NaN;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = null;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    if (Number.isNaN(this.#missing)) this.#readHead();
    else this.#missing -= chunk.length;
    const isOver = Number.isNaN(this.#missing) ? this.#endsWith(LAST_CHUNK) : this.#missing <= 0;
    if (!isOver) return;
    const answer = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve(answer);
  }

  #endsWith(end: Buffer): boolean {
    return Buffer.concat(this.#received.slice(-2)).subarray(-end.length).equals(end);
  }

  #readHead(): void {
    const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    const end = all?.indexOf(HEAD_END) ?? -1;
    if (!all || end < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(all.toString('latin1', 0, end))?.[1];
    if (length !== undefined) this.#missing = end + HEAD_END.length + Number(length) - all.length;
  }
}

function joinChunks(body: Buffer): string {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(parts).toString();
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
