import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../../context/errors.ts';
import { isLocalHost } from '../local-host.ts';
import { errorResponse, jsonResponse } from '../responses.ts';
import { type DemoTokenOptions, findDemoPerson, signDemoToken } from './sign-in.ts';

const MAX_BODY_BYTES = 1_000;

/** Serves `POST /dev/token`, which signs a person of the demo in by their address alone. */
export function useDemoSignIn(options: DemoTokenOptions): Plugin {
  return {
    async onRequest({ request, url, endResponse }) {
      if (url.pathname === '/dev/token') endResponse(await answer(request, options));
    },
  };
}

async function answer(request: Request, options: DemoTokenOptions): Promise<Response> {
  if (!isLocalHost(request.headers.get('host'))) {
    return errorResponse(
      403,
      'FORBIDDEN',
      'Demo people sign in on this machine only: use http://localhost or http://127.0.0.1.',
    );
  }
  if (request.method !== 'POST') {
    return errorResponse(405, 'BAD_REQUEST', 'Send POST with {"email": "…"}.');
  }
  try {
    const person = findDemoPerson(await readEmail(request));
    const { token, expiresAt } = await signDemoToken(person, options);
    const { id, email, name } = person;
    return jsonResponse(200, { token, expiresAt, person: { id, email, name } });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return errorResponse(error.status ?? 400, error.code, error.message);
  }
}

/** Returns the member "email" of the body, undefined if the body is not a small JSON object. */
async function readEmail(request: Request): Promise<unknown> {
  // Chunked bodies have no length, and no client sends so little in chunks.
  if (!(Number(request.headers.get('content-length') ?? Number.NaN) <= MAX_BODY_BYTES))
    return undefined;
  // Pages of other origins cannot send this type without asking first.
  if (!request.headers.get('content-type')?.startsWith('application/json')) return undefined;
  const body: unknown = await request.json().catch(() => null);
  return body && typeof body === 'object' && 'email' in body ? body.email : undefined;
}
