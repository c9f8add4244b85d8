import {
  coerceInputValue,
  GraphQLError,
  type GraphQLInputType,
  parseType,
  typeFromAST,
} from 'graphql';
import { schema } from '../../src/schema/index.ts';
import type { Client } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { hostileJson } from '../support/hostile.ts';

/** A field with one hostile argument; `$0`, `$1`… are its variables. */
export interface Attempt {
  /** The argument, and a description of its value. */
  about: string;
  client: Client;
  operation: 'query' | 'mutation';
  field: string;
  variables: readonly [type: string, value: unknown][];
}

/** The answer to an attempt. */
export interface Outcome {
  attempt: Attempt;
  status: number;
  /** The codes of its errors; empty if it succeeded. */
  codes: string[];
  /** The field's data. */
  data: Data;
  text: string;
}

/** Fewer than the aliases that a document may have, since fields may contain aliases too. */
const FIELDS = 25;
/** Less than the 50 refused variables that an answer lists at most. */
const REFUSED_AT_ONCE = 20;

/** Sends attempts, many in one document. Returns the outcome of each. */
export async function sendAttempts(url: string, attempts: readonly Attempt[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const together of documentsOf(attempts)) {
    outcomes.push(...(await sendTogether(url, together)));
  }
  return outcomes;
}

/** Groups attempts that can be sent in one document. */
function documentsOf(attempts: readonly Attempt[]): Attempt[][] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const { operation, client } = attempt;
    // One refused variable makes the whole document fail.
    const key = [operation, isRefused(attempt), client.headers.authorization].join();
    groups.set(key, [...(groups.get(key) ?? []), attempt]);
  }
  return [...groups.values()].flatMap((group) => {
    const size = isRefused(group[0] as Attempt) ? REFUSED_AT_ONCE : FIELDS;
    const parts: Attempt[][] = [];
    for (let i = 0; i < group.length; i += size) parts.push(group.slice(i, i + size));
    return parts;
  });
}

const refusals = new WeakMap<Attempt, boolean>();

/** Whether graphql-js refuses one of the values. */
function isRefused(attempt: Attempt): boolean {
  const known = refusals.get(attempt) ?? isRefusedByType(attempt);
  refusals.set(attempt, known);
  return known;
}

function isRefusedByType({ variables }: Attempt): boolean {
  try {
    for (const [type, value] of variables) {
      const inputType = typeFromAST(schema, parseType(type) as never) as GraphQLInputType;
      coerceInputValue(JSON.parse(hostileJson(value)), inputType, (_path, _value, error) => {
        // Stops at the first error, since a long list may have thousands.
        throw error;
      });
    }
    return false;
  } catch (error) {
    if (error instanceof GraphQLError) return true;
    throw error;
  }
}

async function sendTogether(url: string, attempts: readonly Attempt[]): Promise<Outcome[]> {
  const [{ client, operation }] = attempts as [Attempt];
  const types: string[] = [];
  const values: Record<string, unknown> = {};
  const fields = attempts.map(({ field, variables }, i) => {
    for (const [n, [type, value]] of variables.entries()) {
      types.push(`$v${i}_${n}: ${type}`);
      values[`v${i}_${n}`] = value;
    }
    return `a${i}: ${field.replace(/\$(\d)/g, (_, n) => `$v${i}_${n}`)}`;
  });
  const query = `${operation}${types.length > 0 ? ` (${types.join(', ')})` : ''} { ${fields.join(' ')} }`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json' },
    body: hostileJson({ query, variables: values }),
  });
  const text = await response.text();
  const { data, errors = [] } = parsed(text);
  if (attempts.length > 1 && !attempts.every(isRefused) && (!data || isTooComplex(errors))) {
    const each = await Promise.all(attempts.map((attempt) => sendTogether(url, [attempt])));
    return each.flat();
  }
  return attempts.map((attempt, i) => ({
    attempt,
    status: response.status,
    codes: errors
      .filter(({ path }: Data) => !data || path?.[0] === `a${i}`)
      .map(({ extensions }: Data) => String(extensions?.code)),
    data: data?.[`a${i}`] ?? null,
    text,
  }));
}

/** Whether the document was refused because its fields together cost too much. */
function isTooComplex(errors: Data[]): boolean {
  return errors.some(({ extensions }) => extensions?.code === 'QUERY_TOO_COMPLEX');
}

function parsed(text: string): Data {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
