import type { Subject } from './bench-database.ts';
import { type Call, send, written } from './http-client.ts';
import { type BenchRequest, CURSOR, type Variables } from './requests.ts';
import type { ServerName, ServerProcess } from './servers/start-server.ts';

/** Returns the body of a request as this server takes it. */
export function bodyOf(request: BenchRequest, server: ServerName, variables: Variables): string {
  if (server === 'bare') {
    return JSON.stringify({ request: request.bare, size: request.size, variables });
  }
  return JSON.stringify({ query: documentOf(request, server), variables });
}

/** Returns what a server is sent for a request, in turn. */
export async function callsOf(
  request: BenchRequest,
  { name, port, headers }: ServerProcess,
  subject: Subject,
): Promise<Call[]> {
  const call = (body: string) => ({ port, headers, body });
  const row = request.after?.(subject);
  let variables = request.variables(subject);
  if (row && name === 'bare') variables = [row];
  else if (row) {
    const query = documentOf(CURSOR, name);
    const answer = await send(call(JSON.stringify({ query, variables: { id: row.id } })));
    variables = [{ after: endCursor(answer.body) }];
  }
  return variables.map((each) => call(bodyOf(request, name, each)));
}

export function bytesOf(calls: readonly Call[]): Buffer[] {
  return calls.map(written);
}

function documentOf(documents: typeof CURSOR, server: ServerName): string {
  return server === 'postgraphile' ? documents.postgraphile : documents.gateway;
}

function endCursor(body: string): string {
  const cursor = JSON.parse(body).data?.alerts?.pageInfo?.endCursor;
  if (typeof cursor !== 'string') throw new Error(`There is no cursor in ${body}`);
  return cursor;
}
