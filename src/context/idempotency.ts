import { GatewayError } from './errors.ts';

/** The header by which a client can send the same mutations again without doing them twice. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

const PRINTABLE = /^[\x20-\x7e]{1,200}$/;

/** By what a client says that a request is the same as another one. */
export interface IdempotencyKey {
  /** The client's own. */
  key: string;
  /** Whether the request names its workspace: one that does not is sent again to that of the first time. */
  namesWorkspace: boolean;
}

/** Returns what the header asks for, null without it. Throws BAD_USER_INPUT for one that is no key. */
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
