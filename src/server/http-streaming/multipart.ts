import { frameEncoding, frameOf } from './http-stream.ts';
import type { StreamFormat } from './stream-format.ts';

const BOUNDARY = '\r\n--graphql';
const END = '--\r\n';

/** A part ends with the next boundary, because clients read up to the last boundary only. */
function part(json: string): string {
  return `\r\ncontent-type: application/json\r\n\r\n${json}${BOUNDARY}`;
}

/** Apollo's multipart protocol for subscriptions, version 1.0. */
export const multipart: StreamFormat = {
  contentType: 'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0',
  opening: frameOf(BOUNDARY),
  keepAlive: frameOf(part('{}')),
  next: frameEncoding('multipart', ({ json }) => part(`{"payload":${json}}`)),
  // Not within a payload: clients would take it for one result among others, and connect again.
  refusal: (errors) => frameOf(`${part(`{"payload":null,${errors.slice(1)}`)}${END}`),
};

/** Returns a body whose only part is a result, for clients that accept only multipart. */
export function singlePart(json: string): string {
  return `${BOUNDARY}${part(`{"payload":${json}}`)}${END}`;
}
