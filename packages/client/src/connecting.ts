const MAX_WAIT_MS = 30_000;

/**
 * Returns a function that asks for a token and returns it as the gateway reads it: for graphql-ws'
 * `connectionParams` and graphql-sse's `headers`, which are called at each (re)connect.
 */
export function credentials(token: () => string | Promise<string>, workspaceId?: string) {
  return async (): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await token()}`,
    ...(workspaceId ? { 'x-workspace-id': workspaceId } : {}),
  });
}

/**
 * Waits before the next attempt to connect: up to a second at first, up to 30 after many. For
 * graphql-ws' `retryWait` and graphql-sse's `retry`.
 */
export function backoff(retries: number): Promise<void> {
  const longest = Math.min(MAX_WAIT_MS, 1_000 * 2 ** retries);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
}
