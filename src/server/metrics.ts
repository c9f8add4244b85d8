import type { Plugin } from 'graphql-yoga';
import type { Registry } from 'prom-client';

const PATH = '/metrics';

/** Serves the registry's metrics as Prometheus reads them, without a token: they name no tenant. */
export function useMetrics(registry: Registry): Plugin {
  return {
    async onRequest({ url, request, endResponse }) {
      if (url.pathname !== PATH || request.method !== 'GET') return;
      endResponse(
        new Response(await registry.metrics(), {
          headers: { 'content-type': registry.contentType, 'cache-control': 'no-store' },
        }),
      );
    },
  };
}
