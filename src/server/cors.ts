import {
  type CORSOptions,
  type CORSPluginOptions,
  getCORSHeadersByRequestAndOptions,
} from '@whatwg-node/server';
import type { Plugin } from 'graphql-yoga';

/** Response headers that pages may read in addition to the safelisted ones. */
const EXPOSED_HEADERS = ['x-request-id', 'www-authenticate', 'retry-after', 'content-disposition'];
/** How long browsers may cache a preflight, in seconds. Chrome caps it at two hours. */
const MAX_AGE = 7_200;

/** Returns the CORS options. Requests from other origins get no CORS headers at all. */
export function corsOptions(origins: readonly string[]): CORSPluginOptions<unknown> {
  if (origins.length === 0) return false;
  const listed = new Set(origins);
  return ({ headers }) => {
    const origin = headers.get('origin');
    if (!origin || !listed.has(origin)) return false;
    return {
      origin,
      methods: ['GET', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: MAX_AGE,
      // The API uses bearer tokens, not cookies.
      credentials: false,
    };
  };
}

/** Returns the CORS headers for an origin, also those that do not depend on it. */
export function createCorsHeaders(origins: readonly string[]) {
  const options = corsOptions(origins);
  const vary: Record<string, string> = origins.length > 0 ? { vary: 'Origin' } : {};
  const listed = new Map(
    origins.map((origin) => {
      const request = new Request('http://localhost', { headers: { origin } });
      const chosen = typeof options === 'function' ? options(request) : false;
      return [
        origin,
        { ...getCORSHeadersByRequestAndOptions(request, chosen as CORSOptions), ...vary },
      ];
    }),
  );
  return (origin: string | undefined): Record<string, string> =>
    (origin && listed.get(origin)) || vary;
}

/** Sets `vary: Origin`, so that caches keep responses for different origins apart. */
export function useOriginVariance(origins: readonly string[]): Plugin {
  if (origins.length === 0) return {};
  return {
    onResponse({ response }) {
      response.headers.append('vary', 'Origin');
    },
  };
}
