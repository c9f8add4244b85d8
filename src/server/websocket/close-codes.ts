import { CloseCode } from 'graphql-ws';

const MAX_REASON_BYTES = 123;

/**
 * The close codes for errors that concern the whole socket. Clients reconnect after 1013, and after
 * 4403 with a fresh token. The other codes mean that a retry would fail again.
 */
export const CLOSE_CODES: Record<string, number> = {
  UNAUTHENTICATED: CloseCode.Unauthorized,
  FORBIDDEN: CloseCode.Forbidden,
  BAD_USER_INPUT: CloseCode.BadRequest,
  OPERATION_TOO_LARGE: CloseCode.BadRequest,
  SERVICE_UNAVAILABLE: 1013,
  TIMEOUT: 1013,
  TOO_MANY_CONNECTIONS: 1013,
};

/** Cuts a reason to the size of a close frame. */
export function closeReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  let end = MAX_REASON_BYTES - Buffer.byteLength('…');
  const isContinuation = (byte = 0) => (byte & 0b1100_0000) === 0b1000_0000;
  while (isContinuation(bytes[end])) end -= 1;
  return `${bytes.toString('utf8', 0, end)}…`;
}
