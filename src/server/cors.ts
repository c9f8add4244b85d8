import type { CORSPluginOptions } from '@whatwg-node/server';
import type { Plugin } from 'graphql-yoga';

/** Headers of answers that pages may read besides the usual ones. */
const EXPOSED_HEADERS = ['x-request-id', 'www-authenticate', 'retry-after'];
/** How long browsers need not ask again, in seconds; some take no more than two hours. */
const MAX_AGE = 7_200;

/** Returns how pages of these origins may call the API; those of others are told nothing. */
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
      // Tokens are sent as headers, which pages set themselves.
      credentials: false,
    };
  };
}

/** Tells caches that answers differ by origin. */
export function useOriginVariance(origins: readonly string[]): Plugin {
  if (origins.length === 0) return {};
  return {
    onResponse({ response }) {
      response.headers.append('vary', 'Origin');
    },
  };
}
