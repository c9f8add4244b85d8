import { GatewayError } from '../context/errors.ts';
import { openText, sealedBytes, sealText } from '../context/seal.ts';
import { type Position, readPosition, writePosition } from './position.ts';

/** The log of a cursor, and the key that all readers of the log share. */
export interface CursorKey {
  identity: string;
  /** 32 bytes. */
  key: Buffer;
}

/** A cursor also comes as a header, of which Node takes 16 KB in all. */
const MAX_LENGTH = 12_288;
/** Differs from the first byte of all other sealed texts of the same key. */
const VERSION = 1;
const IDENTITY_BYTES = 8;
const PREFIX_BYTES = 1 + IDENTITY_BYTES;

/** What to do about CURSOR_EXPIRED. */
export const READ_AGAIN =
  'Read the list again together with its liveCursor, and subscribe from there.';

/** Returns the position as a cursor for clients in a workspace: clients must not see transaction ids. */
export function sealCursor(
  { identity, key }: CursorKey,
  position: Position,
  workspaceId: string | null,
): string {
  const prefix = prefixOf(position.log ?? identity);
  return sealText(key, prefix, workspaceId ?? '', writePosition(position));
}

/**
 * Returns the position of a cursor. Throws CURSOR_EXPIRED for one of another log, and BAD_USER_INPUT
 * for one that was not handed out in this workspace.
 */
export function openCursor(
  { identity, key }: CursorKey,
  cursor: string,
  workspaceId: string | null,
  argument: string,
): Position {
  const bytes = sealedBytes(cursor, PREFIX_BYTES, MAX_LENGTH);
  if (bytes?.[0] !== VERSION) throw foreign(argument);
  if (!bytes.subarray(0, PREFIX_BYTES).equals(prefixOf(identity))) {
    throw new GatewayError(
      'CURSOR_EXPIRED',
      `"${argument}" is a cursor of another database, or from before this one was restored. ${READ_AGAIN}`,
      { argument },
    );
  }
  const text = openText(key, PREFIX_BYTES, workspaceId ?? '', bytes);
  if (text === null) throw foreign(argument);
  return { log: identity, ...readPosition(text) };
}

function prefixOf(identity: string): Buffer {
  const bytes = Buffer.from(identity.replaceAll('-', ''), 'hex').subarray(0, IDENTITY_BYTES);
  return Buffer.concat([Buffer.of(VERSION), bytes]);
}

function foreign(argument: string): GatewayError {
  return new GatewayError(
    'BAD_USER_INPUT',
    `"${argument}" is not a cursor that was handed out in this workspace.`,
    { argument },
  );
}
