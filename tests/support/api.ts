import { schema } from '../../src/schema/index.ts';
import { type Answer, agentToken, startGateway, token } from '../server/support/gateway.ts';
import type { TestDatabase } from './database.ts';

/** A person or an agent at the API: their token, and the workspace that their requests name. */
export interface Client {
  /** Sends an operation, with an idempotency key if given, and returns the whole answer. */
  ask(query: string, variables?: object, key?: string): Promise<Answer>;
  /** Sends an operation that must succeed and returns its data. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the data is the operation's.
  data(query: string, variables?: object): Promise<any>;
}

export interface Api {
  as(userId: string, workspaceId?: string): Promise<Client>;
  asAgent(agent: string, scopes: readonly string[], workspaceId?: string): Promise<Client>;
  /** SQL statements since the last call, in order. */
  statements(): string[];
  close(): Promise<void>;
}

/** Serves the API over a test database, through real HTTP. */
export async function openApi(database: TestDatabase, maxConnections = 3): Promise<Api> {
  let recorded: string[] = [];
  const gateway = await startGateway(database.gatewayUrl, {
    schema,
    statementTimeoutMs: 10_000,
    maxConnections,
    onStatement: (sql) => recorded.push(sql),
  });
  const client = (bearer: string, workspaceId: string | undefined): Client => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      ...(workspaceId ? { 'x-workspace-id': workspaceId } : {}),
    };
    const ask: Client['ask'] = (query, variables, key) =>
      gateway.ask(query, { ...headers, ...(key ? { 'idempotency-key': key } : {}) }, variables);
    return {
      ask,
      async data(query, variables) {
        const answer = await ask(query, variables);
        if (answer.errors || !answer.data) {
          throw new Error(`The operation failed: ${answer.text}\n${JSON.stringify(gateway.log)}`);
        }
        return answer.data;
      },
    };
  };
  return {
    as: async (userId, workspaceId) =>
      client(await token({ sub: userId, exp: Math.floor(Date.now() / 1000) + 600 }), workspaceId),
    asAgent: async (agent, scopes, workspaceId) =>
      client(await agentToken({ agent, scopes }), workspaceId),
    statements() {
      const taken = recorded;
      recorded = [];
      return taken;
    },
    close: () => gateway.close(),
  };
}
