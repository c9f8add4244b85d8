import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
} from 'graphql';
import { CheckProblem } from './check-problem.ts';

const TIMEOUT_MS = 15_000;

/** All that a schema has. Older servers do not know some of it, and refuse the query. */
const FULL = getIntrospectionQuery({
  inputValueDeprecation: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  oneOf: true,
});

/** Returns the schema of a running endpoint. Throws CheckProblem. */
export async function introspect(url: string, token?: string): Promise<GraphQLSchema> {
  const full = await ask(url, FULL, token);
  const answer = full.result ? full : await ask(url, getIntrospectionQuery(), token);
  if (!answer.result) {
    throw new CheckProblem(
      `${url} does not answer introspection: ${answer.reason}. ${token ? 'May this token read the schema?' : 'If it needs a token, set SCHEMA_CHECK_TOKEN.'}`,
    );
  }
  try {
    return buildClientSchema(answer.result);
  } catch (error) {
    throw new CheckProblem(`${url} answers with no valid schema: ${messageOf(error)}`);
  }
}

/** Returns the result of an introspection in a JSON text, with or without `data` around it. */
export function introspectionIn(text: string): IntrospectionQuery | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const data = isObject(json) && isObject(json.data) ? json.data : json;
    return isIntrospection(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

async function ask(url: string, query: string, token?: string) {
  const { status, text } = await post(url, query, token);
  const result = introspectionIn(text);
  return { result, reason: result ? '' : reasonIn(text, status) };
}

async function post(url: string, query: string, token?: string) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, operationName: 'IntrospectionQuery' }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw new CheckProblem(
      `${url} cannot be reached: ${messageOf(cause)}. Is the server running, and is this the address of its GraphQL endpoint?`,
    );
  }
}

function reasonIn(text: string, status: number): string {
  try {
    const json: unknown = JSON.parse(text);
    const errors = isObject(json) && Array.isArray(json.errors) ? json.errors : [];
    const [first]: unknown[] = errors;
    if (isObject(first) && typeof first.message === 'string')
      return first.message.replace(/\.$/, '');
  } catch {
    // The status says enough of an answer that is no JSON.
  }
  return `status ${status}`;
}

function messageOf(error: unknown): string {
  // If every address of a host refuses, only the single errors have the reason.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isIntrospection(value: unknown): value is IntrospectionQuery {
  return isObject(value) && isObject(value.__schema) && Array.isArray(value.__schema.types);
}
