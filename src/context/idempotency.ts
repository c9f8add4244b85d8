import { GatewayError } from './errors.ts';

/** The header that lets a client send the same mutations again without doing them twice. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

const PRINTABLE = /^[\x20-\x7e]{1,200}$/;

/** A client's claim that a request is the same as an earlier one. */
export interface IdempotencyKey {
  /** The key that the client chose. */
  key: string;
  /**
   * Whether the request names its workspace. If not, a repetition runs in the workspace of the
   * first request.
   */
  namesWorkspace: boolean;
}

/** Returns what the header asks for, null without it. Throws BAD_USER_INPUT for an invalid key. */
export function readIdempotencyKey(
  header: string | null,
  workspaceHeader: string | null,
): IdempotencyKey | null {
  if (header === null) return null;
  if (PRINTABLE.test(header)) return { key: header, namesWorkspace: workspaceHeader !== null };
  throw new GatewayError(
    'BAD_USER_INPUT',
    `The header ${IDEMPOTENCY_HEADER} must have 1 to 200 printable ASCII characters.`,
    { argument: IDEMPOTENCY_HEADER, status: 400 },
  );
}
