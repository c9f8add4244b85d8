import type { IncomingMessage } from 'node:http';
import { parseClientJson } from '../../context/exact-json.ts';
import { MAX_BODY_BYTES } from '../operation-limits.ts';

/** The contents of a plain request. */
export interface PlainRequest {
  query: string;
  operationName: string | null;
  variables: Readonly<Record<string, unknown>>;
}

/** A body of JSON, in UTF-8 if it says so. */
const JSON_BODY = /^application\/json *(; *charset=utf-8 *)?$/i;

/** Clients that accept streams get results in them, too. */
const STREAMS = /event-stream|multipart/i;

/** Whether the head of a request is that of most: a POST of JSON, of a known and small size. */
export function isPlain({ method, url, headers }: IncomingMessage, path: string): boolean {
  const length = headers['content-length'];
  return (
    method === 'POST' &&
    url === path &&
    length !== undefined &&
    Number(length) <= MAX_BODY_BYTES &&
    headers['content-encoding'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined &&
    !STREAMS.test(headers.accept ?? '') &&
    JSON_BODY.test(headers['content-type'] ?? '')
  );
}

/** Returns the body of a request. Rejects if the client disconnects before it is complete. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    );
    request.on('error', reject);
  });
}

/** Returns the request in a body, null if it is not plain: Yoga answers it, or reports what is wrong. */
export function readPlain(body: Buffer): PlainRequest | null {
  let json: unknown;
  try {
    json = parseClientJson(body.toString());
  } catch {
    return null;
  }
  if (typeof json !== 'object' || json === null) return null;
  const {
    query,
    operationName = null,
    variables = null,
    ...others
  } = json as Partial<PlainRequest>;
  const isNamed = operationName === null || typeof operationName === 'string';
  if (typeof query !== 'string' || !isNamed || Object.keys(others).length > 0) return null;
  if (typeof variables !== 'object' || Array.isArray(variables)) return null;
  return { query, operationName, variables: variables ?? {} };
}
