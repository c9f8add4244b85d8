import { setTimeout as delay } from 'node:timers/promises';
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
  const closing = new AbortController();
  let wanted: { subject: string; listener: (message: string) => void } | undefined;
  /** The one that is connected, and subscribed. */
  let client: ReturnType<typeof clientOf> | undefined;
  let isReported = false;
  let beginAnew = () => {};

  const report = (error: unknown) => {
    if (!isReported && !closing.signal.aborted) onError(error);
    isReported = true;
  };

  /** Connects, and returns when the connection, or what it is subscribed to, is to be another one. */
  const serve = async () => {
    const connecting = clientOf(url);
    const over = new Promise<void>((resolve, reject) => {
      connecting.on('error', reject);
      beginAnew = resolve;
    });
    closing.signal.addEventListener('abort', beginAnew);
    try {
      await Promise.race([connecting.connect(), over]);
      const subscribed = wanted;
      if (subscribed) {
        const { subject, listener } = subscribed;
        await Promise.race([connecting.subscribe(subject, listener), over]);
      }
      if (subscribed !== wanted || closing.signal.aborted) return;
      client = connecting;
      isReported = false;
      onConnectionChange();
      await over;
    } finally {
      closing.signal.removeEventListener('abort', beginAnew);
      connecting.destroy();
      if (client) {
        client = undefined;
        onConnectionChange();
      }
    }
  };

  const running = (async () => {
    while (!closing.signal.aborted) {
      await serve().catch((error: unknown) => {
        report(error);
        return delay(RETRY_MS * (1 + Math.random()), undefined, closing).catch(() => {});
      });
    }
  })();

  return {
    get isConnected() {
      return client !== undefined;
    },
    maxBytes: MAX_BYTES,
    async publish(subject, message) {
      if (!client) throw new Error('There is no connection to Redis');
      await client.publish(subject, message);
    },
    subscribe(subject, listener) {
      wanted = { subject, listener };
      if (client) beginAnew();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** A client for one connection: it does not say whether a later one restored all subscriptions. */
function clientOf(url: string) {
  return createClient({
    url,
    name: 'codex-gateway',
    pingInterval: PING_MS,
    // Neither is needed, and each would need a right.
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: false,
    },
  });
}
