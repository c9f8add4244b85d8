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

/**
 * Shows GraphiQL to browsers that open the endpoint. It subscribes by server-sent events or, opened
 * with `?subscriptions=ws`, by a WebSocket.
 */
export function useGraphiQL(endpoint: string, { headers }: GraphiQLOptions): Plugin {
  return {
    async onRequest({ request, url, endResponse }) {
      const opened = request.method === 'GET' && url.pathname === endpoint;
      if (!opened || !request.headers.get('accept')?.includes('text/html')) return;
      const overSocket = url.searchParams.get('subscriptions') === 'ws';
      const page = await renderPage((await headers?.()) ?? {}, overSocket);
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

async function renderPage(additionalHeaders: Record<string, string>, overSocket: boolean) {
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
    ...(overSocket
      ? { subscriptionsProtocol: 'WS', connectionParams: CONNECTION_PARAMS }
      : { subscriptionsProtocol: 'SSE' }),
  });
  const source = page.replace(JSON.stringify(CONNECTION_PARAMS), () =>
    connectionParams(additionalHeaders),
  );
  return new Uint8Array(await promisify(gzip)(source, { level: 1 }));
}

/** Stands for a function, which options as JSON cannot hold. */
const CONNECTION_PARAMS = 'the headers of the page and of its user';

/** Browsers send no headers with a WebSocket: what was typed goes into its first message. */
function connectionParams(additionalHeaders: Record<string, string>): string {
  return `() => {
    const { tabs = [], activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
    return { ...${JSON.stringify(additionalHeaders)}, ...JSON.parse(tabs[activeTabIndex]?.headers || '{}') };
  }`;
}
