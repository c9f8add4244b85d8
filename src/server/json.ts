import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { parseClientJson, printJson } from '../context/exact-json.ts';

/** Reads requests and writes results so that no number loses digits on the way. */
export function useExactJson(): Plugin {
  return {
    onRequestParse({ request, setRequestParser }) {
      if (request.method === 'POST') setRequestParser(parseBody);
      if (request.method === 'GET') setRequestParser(parseSearch);
    },
    onResultProcess({ result }) {
      if (!('data' in result || 'errors' in result)) return;
      // Cached results have their own text.
      if (!('stringify' in result)) Object.assign(result, { stringify: printJson });
    },
  };
}

async function parseBody(request: Request): Promise<GraphQLParams> {
  const body = parsedJson(await request.text(), 'POST body');
  if (typeof body !== 'object' || body === null) {
    throw badRequest(`POST body is expected to be object but received ${JSON.stringify(body)}`);
  }
  return body;
}

function parseSearch({ url }: Request): GraphQLParams {
  const { searchParams } = new URL(url, 'http://localhost');
  const text = (name: string) => searchParams.get(name) || undefined;
  const json = (name: 'variables' | 'extensions') => {
    const given = text(name);
    // Anything except an object is refused with the same message as a wrong body.
    return given === undefined
      ? {}
      : { [name]: parsedJson(given, `"${name}" of the URL`) as object };
  };
  return {
    query: text('query'),
    operationName: text('operationName'),
    ...json('variables'),
    ...json('extensions'),
  } as GraphQLParams;
}

/** Returns the value of a client's JSON. Throws BAD_REQUEST with its place if it is invalid. */
export function parsedJson(json: string, place: string): unknown {
  try {
    return parseClientJson(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`${place} sent invalid JSON. ${error.message}`);
  }
}

/** The error for a request that is not one of GraphQL over HTTP. */
export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'BAD_REQUEST', http: { spec: true, status: 400 } },
  });
}
