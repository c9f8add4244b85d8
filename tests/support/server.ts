/** What the test files of a run share. */
export interface TestServer {
  /** The superuser's connection string. */
  url: string;
  /** Begins the name of every database of this run. */
  prefix: string;
  /** Of the role `codex_gateway`. */
  gatewayPassword: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    testServer: TestServer;
  }
}

/** Returns the connection string with another database in it. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
