import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Returns `head` and the sealed text, as base64url. Everyone can read the head. Without the key (32
 * bytes) nobody can read or change the text, or use it with another head or another `boundTo`.
 */
export function sealText(key: Buffer, head: Buffer, boundTo: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.concat([head, Buffer.from(boundTo)]));
  const sealed = [cipher.update(text, 'latin1'), cipher.final()];
  return Buffer.concat([head, nonce, ...sealed, cipher.getAuthTag()]).toString('base64url');
}

/**
 * Returns the bytes of a sealed text with its head; null for a text that `sealText` did not write.
 */
export function sealedBytes(sealed: string, headBytes: number, maxLength: number): Buffer | null {
  if (sealed.length > maxLength) return null;
  const bytes = Buffer.from(sealed, 'base64url');
  const isWhole = bytes.length > headBytes + NONCE_BYTES + TAG_BYTES;
  return isWhole && bytes.toString('base64url') === sealed ? bytes : null;
}

/** Returns the text behind a head of so many bytes; null when it was not sealed with these. */
export function openText(
  key: Buffer,
  headBytes: number,
  boundTo: string,
  bytes: Buffer,
): string | null {
  const head = bytes.subarray(0, headBytes);
  const nonce = bytes.subarray(headBytes, headBytes + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([head, Buffer.from(boundTo)]));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const sealed = bytes.subarray(headBytes + NONCE_BYTES, -TAG_BYTES);
  try {
    return decipher.update(sealed, undefined, 'latin1') + decipher.final('latin1');
  } catch {
    return null;
  }
}

/**
 * Seals texts that clients send back but must not read, such as a position in a log of all tenants.
 */
export interface Seal {
  /** Returns a short text of ASCII characters, sealed for this use. */
  close(text: string, use: string): string;
  /** Returns the text; null for anything that was not sealed for the same use. */
  open(sealed: string, use: string): string | null;
}

/** Differs from the first byte of all other sealed texts of the same key. */
const VERSION = 2;
const HEAD = Buffer.of(VERSION);
const MAX_LENGTH = 1_000;

/** Returns the seal with this key of 32 bytes. The key is asked for at each use. */
export function createSeal(key: () => Buffer): Seal {
  return {
    close: (text, use) => sealText(key(), HEAD, use, text),
    open(sealed, use) {
      const bytes = sealedBytes(sealed, HEAD.length, MAX_LENGTH);
      if (bytes?.[0] !== VERSION) return null;
      return openText(key(), HEAD.length, use, bytes);
    },
  };
}
