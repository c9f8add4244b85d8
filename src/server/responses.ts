/** Returns a response that no cache keeps. */
export function jsonResponse(status: number, body: unknown): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store' } });
}

/** Returns an error in the shape that GraphQL clients read. */
export function errorResponse(status: number, code: string, message: string): Response {
  return jsonResponse(status, { errors: [{ message, extensions: { code } }] });
}
