import { createHash } from 'node:crypto';
import { GatewayError } from './errors.ts';

/** The header by which a client can send the same mutations again without doing them twice. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

const PRINTABLE = /^[\x20-\x7e]{1,200}$/;

/** What tells a request that is sent again from another one. */
export interface Idempotency {
  /** The client's own. */
  key: string;
  /** SHA-256 of what the request asks for, and where. */
  hash: Buffer;
}

/**
 * Returns what the header asks for, null without it. `request` is what the client sent that decides
 * what the request does; not what followed from it, which is another thing after a first workspace
 * was created. Throws BAD_USER_INPUT for a header that is no key.
 */
export function readIdempotency(header: string | null, request: unknown): Idempotency | null {
  if (header === null) return null;
  if (!PRINTABLE.test(header)) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The header ${IDEMPOTENCY_HEADER} must have 1 to 200 printable ASCII characters.`,
      { argument: IDEMPOTENCY_HEADER, status: 400 },
    );
  }
  const hash = createHash('sha256').update(JSON.stringify(request)).digest();
  return { key: header, hash };
}
