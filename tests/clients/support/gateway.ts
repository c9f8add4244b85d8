import { demoPeople, demoWorkspaces } from '../../../prisma/seed/people.ts';
import { createPostgresFeed, type PostgresFeed } from '../../../src/realtime/postgres-feed.ts';
import { schema } from '../../../src/schema/index.ts';
import { startGateway, type TestGateway, token } from '../../server/support/gateway.ts';
import { startProxy } from '../../server/support/proxy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { othersEnded } from '../../support/log.ts';

const WORKSPACE = demoWorkspaces[0]?.id as string;
const PERSON = demoPeople[0]?.id as string;

/** A gateway for the demo, and a connection to it that can be cut. */
export interface LiveGateway {
  /** Host and port of the connection that can be cut. */
  address: string;
  /** A person's token that expires after `seconds`. */
  token(seconds: number): Promise<string>;
  /** Raises an alert in SQL, without the gateway. */
  raise(title: string): Promise<void>;
  /** Raises an alert by a mutation, over a connection that is never cut. */
  raiseByMutation(title: string): Promise<void>;
  /** A cursor for the changes from now on. */
  liveCursor(): Promise<string>;
  /** Deletes all entries of the change log after they were read. */
  deleteChanges(): Promise<void>;
  cut(): void;
  restore(): void;
  /** Stops the gateway, as an operator does. Call `start` for a new one. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function openGateway(database: TestDatabase): Promise<LiveGateway> {
  let running: { gateway: TestGateway; feed: PostgresFeed } | undefined;
  const start = async () => {
    const feed = await createPostgresFeed({ connectionString: database.gatewayUrl });
    const options = { schema, feed, statementTimeoutMs: 10_000 };
    const gateway = await startGateway(database.gatewayUrl, options);
    running = { gateway, feed };
    return gateway.url;
  };
  const stop = async () => {
    await running?.gateway.close();
    await running?.feed.close();
    running = undefined;
  };
  const signedIn = (seconds: number) =>
    token({ sub: PERSON, exp: Math.floor(Date.now() / 1_000) + seconds });

  const ask = async (query: string, variables = {}) => {
    const authorization = `Bearer ${await signedIn(60)}`;
    const answer = await running?.gateway.ask(query, { authorization }, variables);
    if (!answer?.data || answer.errors) throw new Error(answer?.text);
    return answer.data;
  };

  const liveCursor = async (): Promise<string> => {
    const { systemAlerts } = await ask('{ systemAlerts { liveCursor } }');
    return Object(systemAlerts).liveCursor;
  };

  const proxy = await startProxy(await start());
  return {
    address: new URL(proxy.url).host,
    token: signedIn,
    async raise(title) {
      await database.query(
        "insert into system_alerts (workspace_id, alert_type, title) values ($1, 'error', $2)",
        [WORKSPACE, title],
      );
    },
    async raiseByMutation(title) {
      await ask(
        `mutation ($title: String!) {
           createSystemAlert(input: { alertType: ERROR, title: $title }) { errors { message } }
         }`,
        { title },
      );
    },
    liveCursor,
    async deleteChanges() {
      if (!running) throw new Error('There is no gateway');
      const { feed } = running;
      // Changes must be read before they are deleted, whatever the retention.
      await feed.reach(feed.open(await liveCursor(), WORKSPACE, 'after'));
      await feed.trim(0);
      await othersEnded(database);
    },
    cut: proxy.cut,
    restore: proxy.restore,
    async stop() {
      await stop();
      // Another process may use the port from now on.
      proxy.cut();
    },
    async start() {
      proxy.target = await start();
      proxy.restore();
    },
    async close() {
      proxy.close();
      await stop();
    },
  };
}
