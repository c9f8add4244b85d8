import { GraphQLError } from 'graphql';
import { GatewayError } from '../../context/errors.ts';
import { badRequest, parsedJson } from '../json.ts';
import { assertJsonBody, MAX_BODY_BYTES } from '../operation-limits.ts';

/** What a client asks of an export, by name. */
export type Asked = Readonly<Record<string, unknown>>;

/** Proxies cut off longer ones. */
const MAX_URL_LENGTH = 8_000;
/** Parameters that are no JSON. */
const TEXTS = ['columns', 'measures'];

/**
 * Reads the parameters of an export from the URL or the body of a request. Throws BAD_USER_INPUT with
 * the parameter that is wrong, OPERATION_TOO_LARGE for a URL that is too long, and what GraphQL requests
 * get for a wrong body.
 */
export async function readAsked(request: Request): Promise<Asked> {
  const { pathname, search, searchParams } = new URL(request.url);
  if (pathname.length + search.length > MAX_URL_LENGTH) {
    throw new GatewayError(
      'OPERATION_TOO_LARGE',
      `The URL has more than ${MAX_URL_LENGTH.toLocaleString('en')} characters: send the same by POST, as JSON.`,
      { status: 414 },
    );
  }
  return request.method === 'POST' ? readBody(request) : readSearch(searchParams);
}

function readSearch(search: URLSearchParams): Asked {
  const names = [...new Set(search.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const [text = '', another] = search.getAll(name);
      if (another !== undefined) throw refused(name, `"${name}" is given more than once.`);
      return [name, TEXTS.includes(name) ? text : parsedArgument(name, text)];
    }),
  );
}

function parsedArgument(name: string, text: string): unknown {
  try {
    return parsedJson(text, `"${name}" of the URL`);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw refused(name, error.message);
  }
}

async function readBody(request: Request): Promise<Asked> {
  assertJsonBody(request);
  const body = parsedJson(await bodyText(request), 'POST body');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('POST body is expected to be an object.');
  }
  return body as Asked;
}

async function bodyText({ body, headers }: Request): Promise<string> {
  if (Number(headers.get('content-length')) > MAX_BODY_BYTES) throw tooLarge();
  const reader = body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
    size += read.value.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(read.value);
  }
  return Buffer.concat(chunks).toString();
}

function tooLarge(): GraphQLError {
  return new GraphQLError('The body is too large.', {
    extensions: { code: 'REQUEST_ENTITY_TOO_LARGE', http: { status: 413 } },
  });
}

/** The error for a parameter that is wrong. */
export function refused(argument: string, message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message, { argument, status: 400 });
}
