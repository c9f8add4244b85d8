import { frameEncoding, frameOf } from './http-stream.ts';
import type { StreamFormat } from './stream-format.ts';

/** A comment, which clients skip. */
export const COMMENT = frameOf(':\n\n');

/** Server-sent events of one operation: the distinct connections mode of graphql-sse. */
export const sse: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  opening: COMMENT,
  keepAlive: COMMENT,
  next: frameEncoding('sse', ({ json, cursor }) =>
    cursor === undefined
      ? `event: next\ndata: ${json}\n\n`
      : `event: next\nid: ${cursor}\ndata: ${json}\n\n`,
  ),
  // EventSource ignores an event without a field `data`.
  refusal: (errors) => frameOf(`event: next\ndata: ${errors}\n\nevent: complete\ndata:\n\n`),
};
