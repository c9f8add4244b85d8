import type { BrokerKind } from '../support/brokers.ts';

const LINE_END = '\r\n';

interface Protocol {
  /** How messages begin. */
  message: string;
  /** Returns how long the first part is; null if that is not there yet. */
  lengthOf(bytes: Buffer): number | null;
}

const PROTOCOLS: Record<BrokerKind, Protocol> = {
  nats: { message: 'MSG ', lengthOf: lengthOfLine },
  redis: { message: '>3\r\n$7\r\nmessage\r\n', lengthOf: lengthOfReply },
};

/** The smallest complete part of a broker's output. */
export interface Part {
  bytes: Buffer;
  /** Whether it is a published message. */
  isMessage: boolean;
}

/** Returns the first part of a broker's output; null if it is not complete yet. */
export function firstPart(kind: BrokerKind, said: Buffer): Part | null {
  const { message, lengthOf } = PROTOCOLS[kind];
  const length = lengthOf(said);
  if (length === null || length > said.length) return null;
  const bytes = said.subarray(0, length);
  return { bytes, isMessage: bytes.toString('latin1', 0, message.length) === message };
}

/** Of NATS: a line, and the payload that belongs to it. */
function lengthOfLine(bytes: Buffer): number | null {
  const end = bytes.indexOf(LINE_END);
  if (end < 0) return null;
  const line = bytes.toString('latin1', 0, end);
  const payload = line.startsWith('MSG ') ? Number(line.split(' ').at(-1)) + LINE_END.length : 0;
  return end + LINE_END.length + payload;
}

/** Of Redis, in RESP3: a value, and the values in it. */
function lengthOfReply(bytes: Buffer): number | null {
  let length = 0;
  for (let values = 1; values > 0; values -= 1) {
    const end = bytes.indexOf(LINE_END, length);
    if (end < 0) return null;
    const type = bytes.toString('latin1', length, length + 1);
    const size = Number(bytes.toString('latin1', length + 1, end));
    length = end + LINE_END.length;
    // RESP2's nulls, which servers may still send, are of size -1.
    if (size < 0) continue;
    if ('$=!'.includes(type)) length += size + LINE_END.length;
    else if ('*~>'.includes(type)) values += size;
    else if (type === '%') values += 2 * size;
    // Attributes come before the value that they describe.
    else if (type === '|') values += 2 * size + 1;
  }
  return length;
}
