import { connect } from '../server/support/websocket.ts';
import type { Data } from '../support/data.ts';
import type { World } from './world.ts';

export interface RawAnswer {
  status: number;
  text: string;
  data?: Data;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}

/** Sends a document with variables as a JSON text. */
export async function post(
  { api, ours }: World,
  document: string,
  variables: string,
): Promise<RawAnswer> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { ...ours.client.headers, 'content-type': 'application/json' },
    body: `{"query":${JSON.stringify(document)},"variables":${variables}}`,
  });
  const text = await response.text();
  return { ...JSON.parse(text), status: response.status, text };
}

/** Sends it by GET. */
export async function get(
  { api, ours }: World,
  document: string,
  variables: string,
): Promise<RawAnswer> {
  const search = new URLSearchParams({ query: document, variables });
  const response = await fetch(`${api.url}/graphql?${search}`, { headers: ours.client.headers });
  const text = await response.text();
  return { ...JSON.parse(text), status: response.status, text };
}

/** Sends it over a WebSocket. */
export async function overWebSocket(
  { api, ours }: World,
  document: string,
  variables: string,
): Promise<RawAnswer> {
  const client = await connect(api.url, ours.client.headers);
  client.send(
    `{"id":"1","type":"subscribe","payload":{"query":${JSON.stringify(document)},"variables":${variables}}}`,
  );
  const { type, payload } = await client.receives({ id: '1' });
  client.socket.terminate();
  const result = type === 'error' ? { errors: payload } : payload;
  return { ...result, status: type === 'error' ? 400 : 200, text: JSON.stringify(payload) };
}

/** Returns the field that creates a row. */
export function created(model: string, input: string): string {
  return `create${model}(input: { ${input} }) { id errors { message } }`;
}

/** Numbers that a double cannot hold. */
export const UNHELD = [
  '9007199254740993',
  '12345678901234567890',
  '-12345678901234567000',
  '0.1234567890123456789',
  '123456789.123456789',
  '1e999',
  '-1e999',
  '1e-999',
];

/** Numbers that are not a valid Float. A double followed by zeros is valid. */
export const NO_FLOAT = UNHELD.filter((number) => number !== '-12345678901234567000');
