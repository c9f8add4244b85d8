import { demoPeople, demoWorkspaces } from '../../../prisma/seed/people.ts';
import { createPostgresFeed, type PostgresFeed } from '../../../src/realtime/postgres-feed.ts';
import { schema } from '../../../src/schema/index.ts';
import { startGateway, type TestGateway, token } from '../../server/support/gateway.ts';
import { startProxy } from '../../server/support/proxy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { othersEnded } from '../../support/log.ts';

const WORKSPACE = demoWorkspaces[0]?.id as string;
const PERSON = demoPeople[0]?.id as string;

/** A gateway over the demo, and a connection to it that can be cut. */
export interface LiveGateway {
  /** Where clients find it, by the connection that can be cut: host and port. */
  address: string;
  /** Signs a person of the demo in for so many seconds. */
  token(seconds: number): Promise<string>;
  /** Raises an alert in SQL, past the gateway. */
  raise(title: string): Promise<void>;
  /** Raises an alert through the gateway, by a connection that is not cut. */
  raiseByMutation(title: string): Promise<void>;
  /** Where news of the alerts begin that there are now. */
  liveCursor(): Promise<string>;
  /** Deletes what the change log has, once it was read. */
  forgetChanges(): Promise<void>;
  cut(): void;
  mend(): void;
  /** Stops the gateway as an operator does; another one has to be started. */
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
    async forgetChanges() {
      if (!running) throw new Error('There is no gateway');
      const { feed } = running;
      // Whatever the retention, changes have been read by the time that they are deleted.
      await feed.reach(feed.open(await liveCursor(), WORKSPACE, 'after'));
      await feed.trim(0);
      await othersEnded(database);
    },
    cut: proxy.cut,
    mend: proxy.mend,
    async stop() {
      await stop();
      // Its port is anybody's from now on.
      proxy.cut();
    },
    async start() {
      proxy.target = await start();
      proxy.mend();
    },
    async close() {
      proxy.close();
      await stop();
    },
  };
}
