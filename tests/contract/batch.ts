import type { Answer } from '../server/support/gateway.ts';
import type { Client } from '../support/api.ts';
import type { Data } from '../support/data.ts';

/** A field of Query or Mutation, as a document has it but for its alias; `$0`, `$1`… are its variables. */
export interface Ask {
  field: string;
  variables?: [type: string, value: unknown][];
}

export type Told = { data: Data; error?: NonNullable<Answer['errors']>[number] };

/** As many as a document may have aliases, less some for those inside of a field. */
const FIELDS = 25;

/** Asks for many fields in few documents; each answer has its field's data, or its error. */
export async function askAll(
  client: Client,
  asks: readonly Ask[],
  operation: 'query' | 'mutation' = 'query',
): Promise<Told[]> {
  const told: Told[] = [];
  for (let start = 0; start < asks.length; start += FIELDS) {
    told.push(...(await askTogether(client, asks.slice(start, start + FIELDS), operation)));
  }
  return told;
}

async function askTogether(
  client: Client,
  asks: readonly Ask[],
  operation: string,
): Promise<Told[]> {
  const types: string[] = [];
  const values: Record<string, unknown> = {};
  const fields = asks.map(({ field, variables = [] }, i) => {
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
  if (!data && asks.length > 1) {
    // A field that may not be null takes the others with it.
    return (await Promise.all(asks.map((ask) => askTogether(client, [ask], operation)))).flat();
  }
  return asks.map((_, i) => {
    const error = data ? errors.find(({ path }) => path?.[0] === `a${i}`) : errors[0];
    return { data: data?.[`a${i}`] ?? null, ...(error ? { error } : {}) };
  });
}
