import type { GraphQLError } from 'graphql';

/** Returns a response that no cache keeps. */
export function jsonResponse(status: number, body: unknown): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store' } });
}

/** Returns an error in the shape that GraphQL clients read. */
export function errorResponse(status: number, code: string, message: string): Response {
  return jsonResponse(status, { errors: [{ message, extensions: { code } }] });
}

/**
 * Returns the response for an error that clients may see, where it is the whole answer, with headers of
 * another one. A refusal may be tried again after so many seconds.
 */
export function maskedResponse(
  { message, extensions }: GraphQLError,
  retryAfter = '1',
  others = new Headers(),
): Response {
  const { http, ...shown } = extensions;
  const response = jsonResponse(http?.status ?? STATUSES[String(shown.code)] ?? 400, {
    errors: [{ message, extensions: shown }],
  });
  for (const [name, value] of others) {
    if (!name.startsWith('content-')) response.headers.set(name, value);
  }
  for (const [name, value] of Object.entries(http?.headers ?? {})) {
    response.headers.set(name, name === 'retry-after' ? retryAfter : value);
  }
  return response;
}

/** Of errors that usually concern a part of an answer only. */
const STATUSES: Record<string, number> = { FORBIDDEN: 403, NOT_FOUND: 404, CONFLICT: 409 };
