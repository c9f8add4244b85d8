import type { Client } from './api.ts';
import type { Data } from './data.ts';

/** Sends a mutation of one field, which must succeed, and returns its payload. */
export async function perform(
  client: Client,
  call: string,
  selection: string,
  variables: Record<string, [type: string, value: unknown]> = {},
): Promise<Data> {
  const payload = await attempt(client, call, selection, variables);
  const errors = payload.errors ?? payload.results.flatMap((result: Data) => result.errors);
  if (errors.length > 0) throw new Error(`${call} was refused: ${JSON.stringify(errors)}`);
  return payload;
}

/** Sends a mutation of one field and returns its payload, whether it succeeded or not. */
export async function attempt(
  client: Client,
  call: string,
  selection: string,
  variables: Record<string, [type: string, value: unknown]> = {},
): Promise<Data> {
  const declared = Object.entries(variables).map(([name, [type]]) => `$${name}: ${type}`);
  const head = declared.length > 0 ? `(${declared.join(', ')})` : '';
  const errors = 'errors { __typename message path }';
  const selected = selection.includes('results')
    ? selection.replace(/results \{/, `results { ${errors}`)
    : selection.replace('{', `{ ${errors}`);
  const data = await client.data(
    `mutation ${head} { done: ${call} ${selected} }`,
    Object.fromEntries(Object.entries(variables).map(([name, [, value]]) => [name, value])),
  );
  return data.done;
}
