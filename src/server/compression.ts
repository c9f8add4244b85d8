import { promisify } from 'node:util';
import {
  type BrotliCompress,
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  type Gzip,
  gzip,
} from 'node:zlib';
import { preferred, readRanges } from './negotiation.ts';

/** Shorter answers are sent as they are: compressing them takes longer than it saves. */
const LEAST_CHARACTERS = 16_384;
const OFFERS = ['br', 'gzip'] as const;

const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const compress = {
  br: (text: string) => promisify(brotliCompress)(text, BROTLI),
  gzip: (text: string) => promisify(gzip)(text),
};

export interface EncodedBody {
  body: string | Buffer;
  headers: Record<string, string>;
}

/**
 * Returns the body of an answer as the client accepts it, with the headers that describe it. It is
 * compressed outside of the event loop.
 */
export async function encodeBody(
  text: string,
  acceptEncoding: string | undefined,
): Promise<EncodedBody> {
  if (isSmall(text)) return plainBody(text);
  const vary = { vary: 'Accept-Encoding' };
  const encoding = accepted(acceptEncoding);
  if (!encoding) return { body: text, headers: { ...plainBody(text).headers, ...vary } };
  const body = await compress[encoding](text);
  const headers = { 'content-encoding': encoding, 'content-length': String(body.length), ...vary };
  return { body, headers };
}

/** Returns the encoding that a client accepts, with what encodes a long body as it comes; neither for a body as it is. */
export function acceptedEncoder(acceptEncoding: string | undefined): {
  encoding?: string;
  encoder?: Gzip | BrotliCompress;
} {
  const encoding = accepted(acceptEncoding);
  if (!encoding) return {};
  return { encoding, encoder: encoding === 'br' ? createBrotliCompress(BROTLI) : createGzip() };
}

function accepted(acceptEncoding: string | undefined): (typeof OFFERS)[number] | null {
  // Identity is always acceptable but never better, so it is not offered.
  return preferred(readRanges(acceptEncoding ?? null), OFFERS, false);
}

/** Returns headers with those of a body; what the answer depends on is what either says. */
export function withHeaders(
  headers: Record<string, string>,
  own: Record<string, string>,
): Record<string, string> {
  const vary = [headers.vary, own.vary].filter(Boolean).join(', ');
  return { ...headers, ...own, ...(vary ? { vary } : {}) };
}

/** Whether a text is sent as it is. */
export function isSmall(text: string): boolean {
  return text.length < LEAST_CHARACTERS;
}

/** Returns a body that is sent as it is. */
export function plainBody(text: string): EncodedBody {
  return { body: text, headers: { 'content-length': String(Buffer.byteLength(text)) } };
}
