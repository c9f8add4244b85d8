import { preferred, type Range, readRanges } from '../negotiation.ts';
import { multipart } from './multipart.ts';
import { sse } from './sse.ts';
import type { StreamFormat } from './stream-format.ts';

/** The first is the default. */
const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const;
const STREAM_TYPES = ['text/event-stream', 'multipart/mixed'] as const;

/** Media types of a single result. */
export type JsonType = (typeof JSON_TYPES)[number];

/**
 * Returns the format of a stream that the client prefers; null if it names none. A wildcard does
 * not count: a client that does not expect a stream would wait for its end.
 */
export function acceptedFormat(request: Request): StreamFormat | null {
  let best: { format: StreamFormat; quality: number } | null = null;
  for (const range of acceptedTypes(request.headers.get('accept'))) {
    const format = formatOf(range);
    if (format && range.quality > (best?.quality ?? 0)) best = { format, quality: range.quality };
  }
  return best?.format ?? null;
}

/** Returns the media type that the client prefers for a JSON result, or null. */
export function acceptedJson(accept: string | null): JsonType | null {
  // Most clients send none, or that they take anything.
  if (!accept || accept === '*/*' || accept === JSON_TYPES[0]) return JSON_TYPES[0];
  return preferred(acceptedTypes(accept), JSON_TYPES);
}

/** Whether the client accepts results in any of our media types. */
export function acceptsResults(request: Request): boolean {
  return (
    preferred(acceptedTypes(request.headers.get('accept')), [...JSON_TYPES, ...STREAM_TYPES]) !==
    null
  );
}

function acceptedTypes(accept: string | null): Range[] {
  const ranges = readRanges(accept || '*/*');
  return ranges.filter(({ parameters }) => (parameters.get('charset') ?? 'utf-8') === 'utf-8');
}

function formatOf({ value, parameters }: Range): StreamFormat | null {
  if (value === 'text/event-stream') return sse;
  return value === 'multipart/mixed' && parameters.get('subscriptionspec') === '1.0'
    ? multipart
    : null;
}
