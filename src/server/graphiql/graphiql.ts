import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Plugin } from 'graphql-yoga';
import { examples } from './examples.ts';

export interface GraphiQLOptions {
  /** Returns headers to send with every request of the page, unless its user sets them. */
  headers?: () => Promise<Record<string, string>>;
}

// Everything is in the page: it works without a network, and talks to this server only.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
  "connect-src 'self' blob: data:",
  "frame-ancestors 'none'",
].join('; ');

/** Shows GraphiQL to browsers that open the endpoint. */
export function useGraphiQL(endpoint: string, { headers }: GraphiQLOptions): Plugin {
  return {
    async onRequest({ request, url, endResponse }) {
      const opened = request.method === 'GET' && url.pathname === endpoint;
      if (!opened || !request.headers.get('accept')?.includes('text/html')) return;
      const page = await renderPage((await headers?.()) ?? {});
      endResponse(
        new Response(page, {
          headers: {
            'content-type': 'text/html; charset=utf-8',
            'content-encoding': 'gzip',
            'cache-control': 'no-store',
            'content-security-policy': CONTENT_SECURITY_POLICY,
          },
        }),
      );
    },
  };
}

async function renderPage(additionalHeaders: Record<string, string>) {
  // 9 MB of script, which nobody should wait for who does not open the page.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({
    title: 'Codex Gateway',
    additionalHeaders,
    defaultTabs: examples.map(({ query, variables }) => ({
      query,
      ...(variables ? { variables: JSON.stringify(variables, null, 2) } : {}),
    })),
    defaultEditorToolsVisibility: false,
  });
  return new Uint8Array(await promisify(gzip)(page, { level: 1 }));
}
