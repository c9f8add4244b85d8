import type { Plugin } from 'graphql-yoga';
import { isLocalHost } from '../local-host.ts';
import { preferred, readRanges } from '../negotiation.ts';
import { ENCODINGS, type Page, renderPage } from './graphiql-page.ts';

export interface GraphiQLOptions {
  /**
   * Returns headers to send with every request of the page, unless its user overrides them. They must
   * stay valid for much longer than an hour, since the page is cached for an hour. Only a page that was
   * opened on this machine gets them.
   */
  headers?: () => Promise<Record<string, string>>;
}

// The page contains everything it needs, and only talks to this server.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
  "connect-src 'self' blob: data:",
  "frame-ancestors 'none'",
].join('; ');

/** How long a page with headers is cached. */
const HEADERS_MS = 60 * 60 * 1_000;

/**
 * Shows GraphiQL to browsers that open the endpoint, and redirects the root to it. The page
 * subscribes by server-sent events, or by a WebSocket when opened with `?subscriptions=ws`.
 */
export function useGraphiQL(endpoint: string, { headers }: GraphiQLOptions): Plugin {
  const pageOf = cachedPage(headers);
  const pageWithoutHeaders = cachedPage(undefined);
  return {
    async onRequest({ request, url, endResponse }) {
      const isBrowser = request.headers.get('accept')?.includes('text/html');
      if (request.method !== 'GET' || !isBrowser) return;
      if (url.pathname === '/') {
        endResponse(new Response(null, { status: 302, headers: { location: endpoint } }));
      } else if (url.pathname === endpoint) {
        const isSecret = headers !== undefined && isLocalHost(request.headers.get('host'));
        const page = await (isSecret ? pageOf() : pageWithoutHeaders());
        endResponse(await answer(request, page, headers !== undefined));
      }
    },
  };
}

/** Returns a function that returns the page, rendered on first use. */
function cachedPage(headers: GraphiQLOptions['headers']): () => Promise<Page> {
  let kept: { page: Promise<Page>; until: number } | undefined;
  const make = async () => renderPage((await headers?.()) ?? {});
  return () => {
    if (!kept || kept.until <= Date.now()) {
      const page = make();
      kept = { page, until: headers ? Date.now() + HEADERS_MS : Number.POSITIVE_INFINITY };
      page.catch(() => {
        kept = undefined;
      });
    }
    return kept.page;
  };
}

async function answer(request: Request, page: Page, isSecret: boolean): Promise<Response> {
  const headers = {
    // This URL also serves GraphQL responses.
    vary: 'accept, accept-encoding',
    // The headers in the page hold a token.
    'cache-control': isSecret ? 'no-store' : 'no-cache',
    etag: page.tag,
    'content-security-policy': CONTENT_SECURITY_POLICY,
  };
  if (request.headers.get('if-none-match')?.includes(page.tag)) {
    return new Response(null, { status: 304, headers });
  }
  const ranges = readRanges(request.headers.get('accept-encoding'));
  const encoding = preferred(ranges, ENCODINGS, false) ?? 'identity';
  return new Response(await page.as(encoding), {
    headers: {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
    },
  });
}
