import type { Plugin } from 'graphql-yoga';
import type { Authenticate } from '../context/authentication.ts';
import { IDEMPOTENCY_HEADER } from '../context/idempotency.ts';
import { WORKSPACE_HEADER } from '../context/workspace.ts';
import type { ServerContext } from './server-context.ts';

/** Checks the token of every GraphQL request before its body is read. */
export function useAuthentication(authenticate: Authenticate): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      const { headers } = request;
      serverContext.identity = await (serverContext.authenticated ??
        authenticate(headers.get('authorization')));
      serverContext.workspaceHeader = headers.get(WORKSPACE_HEADER);
      serverContext.idempotencyHeader = headers.get(IDEMPOTENCY_HEADER);
    },
  };
}
