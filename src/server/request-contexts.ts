import { type Context, createContext, type LiveCursors } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { GatewayError } from '../context/errors.ts';
import { currentRequestId } from '../context/request-id.ts';
import type { Seal } from '../context/seal.ts';
import type { Feed } from '../realtime/feed.ts';
import { parseSnapshot } from '../realtime/position.ts';
import type { FastLane } from './fast-lane/fast-lane.ts';
import type { ServerContext } from './server-context.ts';

export interface RequestContextsOptions {
  database: Database;
  seal: Seal;
  feed: Feed | undefined;
  lane: FastLane | null;
}

/** Builds the context of a request. Throws UNAUTHENTICATED, BAD_USER_INPUT or FORBIDDEN. */
export type ContextOf = (request: ServerContext) => Promise<Context>;

/** Returns what builds the contexts of signed-in requests, which the fast lane learns from. */
export function createRequestContexts({
  database,
  seal,
  feed,
  lane,
}: RequestContextsOptions): ContextOf {
  const liveCursors: LiveCursors | null = feed
    ? {
        seal: (snapshot, workspaceId) => feed.seal({ seen: parseSnapshot(snapshot) }, workspaceId),
      }
    : null;
  return async (request) => {
    const { identity, inFlight, work, workspaceHeader = null, idempotencyHeader = null } = request;
    if (!identity) throw new GatewayError('UNAUTHENTICATED', 'Sign in first.', { status: 401 });
    const context = await createContext({
      requestId: currentRequestId() ?? '',
      identity,
      workspaceHeader,
      idempotencyHeader,
      database,
      seal,
      liveCursors,
      work,
    });
    if (context.workspace) inFlight?.enter(context.workspace.id);
    lane?.remember(identity, workspaceHeader, context);
    return context;
  };
}
