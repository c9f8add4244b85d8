import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type { Broker, BrokerEvents } from './broker.ts';

const RETRY_MS = 500;
const CONNECT_MS = 5_000;
/** Two that go unanswered end the connection. */
const PING_MS = 2_000;
/** The default limit of servers. */
const MAX_BYTES = 1_048_576;

/** Returns NATS as a broker; the URL may hold a user and a password, or a token. */
export function createNatsBroker(
  url: string,
  { onConnectionChange, onError }: BrokerEvents,
): Broker {
  const closing = new AbortController();
  let connection: NatsConnection | undefined;
  let isConnected = false;
  let isReported = false;
  let wanted: { subject: string; listener: (message: string) => void } | undefined;
  let subscription: Subscription | undefined;

  const changed = (value: boolean) => {
    isConnected = value;
    if (value) isReported = false;
    onConnectionChange();
  };
  /** Once a connection: what is refused is refused for each message. */
  const report = (error: unknown) => {
    if (!isReported && !closing.signal.aborted) onError(error);
    isReported = true;
  };
  const subscribe = () => {
    subscription?.unsubscribe();
    subscription = undefined;
    if (!wanted || !connection) return;
    const { subject, listener } = wanted;
    subscription = connection.subscribe(subject, {
      callback: (error, message) => (error ? report(error) : listener(message.string())),
    });
  };

  /** Connects, and returns when there is no connection any more that would come back by itself. */
  const serve = async () => {
    connection = await connect(optionsOf(url));
    if (closing.signal.aborted) return connection.close();
    subscribe();
    changed(true);
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        changed(false);
        report(new Error(`The connection to NATS at ${status.server} was lost`));
      } else if (status.type === 'reconnect') changed(true);
      else if (status.type === 'error') report(status.error);
    }
    const reason = await connection.closed();
    if (reason) throw reason;
  };

  const running = (async () => {
    while (!closing.signal.aborted) {
      await serve().catch(report);
      connection = undefined;
      subscription = undefined;
      if (isConnected) changed(false);
      await delay(RETRY_MS, undefined, closing).catch(() => {});
    }
  })();

  return {
    get isConnected() {
      return isConnected;
    },
    get maxBytes() {
      return connection?.info?.max_payload ?? MAX_BYTES;
    },
    async publish(subject, message) {
      // It would be kept, in memory, until there is a connection again.
      if (!connection || !isConnected) throw new Error('There is no connection to NATS');
      connection.publish(subject, message);
      await connection.flush();
    },
    subscribe(subject, listener) {
      wanted = { subject, listener };
      subscribe();
    },
    async close() {
      closing.abort();
      // An attempt to connect cannot be called off; it closes what it makes.
      if (!connection) return;
      await connection.close();
      await running;
    },
  };
}

function optionsOf(url: string) {
  const { protocol, host, username, password } = new URL(url);
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: host,
    name: 'codex-gateway',
    noEcho: true,
    timeout: CONNECT_MS,
    pingInterval: PING_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
    ignoreAuthErrorAbort: true,
    ...(protocol === 'tls:' ? { tls: {} } : {}),
    ...(user && pass ? { user, pass } : {}),
    ...(user && !pass ? { token: user } : {}),
  };
}
