import type { Answer } from '../server/support/gateway.ts';
import type { Client } from '../support/api.ts';
import type { Data } from '../support/data.ts';

/** A field of Query or Mutation without its alias; `$0`, `$1`… are its variables. */
export interface FieldRequest {
  field: string;
  variables?: [type: string, value: unknown][];
}

export type FieldResult = { data: Data; error?: NonNullable<Answer['errors']>[number] };

/** Fewer than the aliases that a document may have, since fields may contain aliases too. */
const FIELDS = 25;

/** Requests many fields in few documents. Returns the data or the error of each field. */
export async function askAll(
  client: Client,
  requests: readonly FieldRequest[],
  operation: 'query' | 'mutation' = 'query',
): Promise<FieldResult[]> {
  const results: FieldResult[] = [];
  for (let start = 0; start < requests.length; start += FIELDS) {
    results.push(
      ...(await askInOneDocument(client, requests.slice(start, start + FIELDS), operation)),
    );
  }
  return results;
}

async function askInOneDocument(
  client: Client,
  requests: readonly FieldRequest[],
  operation: string,
): Promise<FieldResult[]> {
  const types: string[] = [];
  const values: Record<string, unknown> = {};
  const fields = requests.map(({ field, variables = [] }, i) => {
    for (const [n, [type, value]] of variables.entries()) {
      types.push(`$v${i}_${n}: ${type}`);
      values[`v${i}_${n}`] = value;
    }
    return `a${i}: ${field.replace(/\$(\d)/g, (_, n) => `$v${i}_${n}`)}`;
  });
  const head = types.length > 0 ? `(${types.join(', ')}) ` : '';
  const { data, errors = [] } = await client.ask(
    `${operation} ${head}{ ${fields.join(' ')} }`,
    values,
  );
  if (!data && requests.length > 1) {
    // A failed field that cannot be null makes all data null, so each is requested alone.
    return (
      await Promise.all(requests.map((ask) => askInOneDocument(client, [ask], operation)))
    ).flat();
  }
  return requests.map((_, i) => {
    const error = data ? errors.find(({ path }) => path?.[0] === `a${i}`) : errors[0];
    return { data: data?.[`a${i}`] ?? null, ...(error ? { error } : {}) };
  });
}
