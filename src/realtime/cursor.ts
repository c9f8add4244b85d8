import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GatewayError } from '../context/errors.ts';
import { type Position, readPosition, writePosition } from './position.ts';

/** Which log a cursor is of, and the key that all readers of it share. */
export interface CursorKey {
  identity: string;
  /** 32 bytes. */
  key: Buffer;
}

/** A cursor also comes as a header, of which Node takes 16 KB in all. */
const MAX_LENGTH = 12_288;
const VERSION = 1;
const IDENTITY_BYTES = 8;
const PREFIX_BYTES = 1 + IDENTITY_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** What to do about CURSOR_EXPIRED. */
export const READ_AGAIN =
  'Read the list again together with its liveCursor, and subscribe from there.';

/** Returns the position as a cursor for clients in a workspace: transaction ids are nobody's business. */
export function sealCursor(
  { identity, key }: CursorKey,
  position: Position,
  workspaceId: string | null,
): string {
  const prefix = prefixOf(position.log ?? identity);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(boundTo(prefix, workspaceId));
  const text = [cipher.update(writePosition(position), 'latin1'), cipher.final()];
  return Buffer.concat([prefix, nonce, ...text, cipher.getAuthTag()]).toString('base64url');
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
  const bytes = cursor.length <= MAX_LENGTH ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const prefix = bytes.subarray(0, PREFIX_BYTES);
  if (
    bytes.length <= PREFIX_BYTES + NONCE_BYTES + TAG_BYTES ||
    bytes[0] !== VERSION ||
    bytes.toString('base64url') !== cursor
  ) {
    throw foreign(argument);
  }
  if (!prefix.equals(prefixOf(identity))) {
    throw new GatewayError(
      'CURSOR_EXPIRED',
      `"${argument}" is a cursor of another database, or from before this one was restored. ${READ_AGAIN}`,
      { argument },
    );
  }
  try {
    const decipher = createDecipheriv(
      CIPHER,
      key,
      bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + NONCE_BYTES),
      { authTagLength: TAG_BYTES },
    );
    decipher.setAAD(boundTo(prefix, workspaceId));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const sealed = bytes.subarray(PREFIX_BYTES + NONCE_BYTES, -TAG_BYTES);
    const text = decipher.update(sealed, undefined, 'latin1') + decipher.final('latin1');
    return { log: identity, ...readPosition(text) };
  } catch {
    throw foreign(argument);
  }
}

function prefixOf(identity: string): Buffer {
  const bytes = Buffer.from(identity.replaceAll('-', ''), 'hex').subarray(0, IDENTITY_BYTES);
  return Buffer.concat([Buffer.of(VERSION), bytes]);
}

function boundTo(prefix: Buffer, workspaceId: string | null): Buffer {
  return Buffer.concat([prefix, Buffer.from(workspaceId ?? '')]);
}

function foreign(argument: string): GatewayError {
  return new GatewayError(
    'BAD_USER_INPUT',
    `"${argument}" is not a cursor that was handed out in this workspace.`,
    { argument },
  );
}
