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

/** Redis, or what speaks its protocol in version 3, as a broker. */
export class RedisBroker implements Broker {
  readonly maxBytes = MAX_BYTES;
  readonly #url: string;
  readonly #events: BrokerEvents;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #wanted: { subject: string; listener: (message: string) => void } | undefined;
  /** The one that is connected, and subscribed. */
  #client: ReturnType<typeof clientOf> | undefined;
  #isReported = false;
  #beginAnew = () => {};

  constructor(url: string, events: BrokerEvents) {
    this.#url = url;
    this.#events = events;
    this.#running = this.#run();
  }

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  async publish(subject: string, message: string): Promise<void> {
    if (!this.#client) throw new Error('There is no connection to Redis');
    await this.#client.publish(subject, message);
  }

  subscribe(subject: string, listener: (message: string) => void): void {
    this.#wanted = { subject, listener };
    if (this.#client) this.#beginAnew();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#serve().catch((error: unknown) => {
        this.#report(error);
        return delay(RETRY_MS * (1 + Math.random()), undefined, this.#closing).catch(() => {});
      });
    }
  }

  /** Connects, and returns when the connection or the subscription has to be replaced. */
  async #serve(): Promise<void> {
    const connecting = clientOf(this.#url);
    const { signal } = this.#closing;
    const over = new Promise<void>((resolve, reject) => {
      connecting.on('error', reject);
      this.#beginAnew = resolve;
    });
    const beginAnew = this.#beginAnew;
    signal.addEventListener('abort', beginAnew);
    try {
      await Promise.race([connecting.connect(), over]);
      const subscribed = this.#wanted;
      if (subscribed) {
        const { subject, listener } = subscribed;
        await Promise.race([connecting.subscribe(subject, listener), over]);
      }
      if (subscribed !== this.#wanted || signal.aborted) return;
      this.#client = connecting;
      this.#isReported = false;
      this.#events.onConnectionChange();
      await over;
    } finally {
      signal.removeEventListener('abort', beginAnew);
      connecting.destroy();
      if (this.#client) {
        this.#client = undefined;
        this.#events.onConnectionChange();
      }
    }
  }

  #report(error: unknown): void {
    if (!this.#isReported && !this.#closing.signal.aborted) this.#events.onError(error);
    this.#isReported = true;
  }
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
