import { createClient } from 'redis';
import type { Broker, BrokerEvents } from './broker.ts';

const RETRY_MS = 500;
const CONNECT_MS = 5_000;
const PING_MS = 1_000;
/** Without an answer to pings for this long, the connection ends. */
const SILENCE_MS = 5_000;
/** Far below what Redis takes, so that a slow follower does not lose its connection at once. */
const MAX_BYTES = 1_048_576;

/** Returns Redis, or what speaks its protocol in version 3, as a broker. */
export function createRedisBroker(
  url: string,
  { onConnectionChange, onError }: BrokerEvents,
): Broker {
  let isLost = false;
  let isClosed = false;
  let wanted: { subject: string; listener: (message: string) => void } | undefined;
  let subscribed: typeof wanted;

  const client = createClient({
    url,
    name: 'codex-gateway',
    // A message that waits for the connection would come too late.
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    // Neither is needed, and each would need a right.
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: () => RETRY_MS * (1 + Math.random()),
    },
  });

  /** The client subscribes again by itself to what it was subscribed to. */
  const subscribe = async () => {
    if (!client.isReady || !wanted || subscribed === wanted) return;
    const before = subscribed;
    subscribed = wanted;
    try {
      if (before) await client.unsubscribe(before.subject);
      await client.subscribe(wanted.subject, wanted.listener);
    } catch (error) {
      subscribed = undefined;
      if (client.isReady) onError(error);
    }
  };

  client.on('ready', () => {
    isLost = false;
    void subscribe();
    onConnectionChange();
  });
  client.on('error', (error: unknown) => {
    if (!isLost && !isClosed) onError(error);
    isLost = true;
    onConnectionChange();
  });
  // It goes on trying, and tells each time.
  client.connect().catch(() => {});

  return {
    get isConnected() {
      return client.isReady;
    },
    maxBytes: MAX_BYTES,
    async publish(subject, message) {
      await client.publish(subject, message);
    },
    subscribe(subject, listener) {
      wanted = { subject, listener };
      void subscribe();
    },
    async close() {
      isClosed = true;
      client.destroy();
    },
  };
}
