import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type { Broker, BrokerEvents } from './broker.ts';

const RETRY_MS = 500;
const CONNECT_MS = 5_000;
/** Two that go unanswered end the connection. */
const PING_MS = 2_000;
/** The default limit of servers. */
const MAX_BYTES = 1_048_576;

/** NATS as a broker; the URL may hold a user and a password, or a token. */
export class NatsBroker implements Broker {
  readonly #url: string;
  readonly #events: BrokerEvents;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #isConnected = false;
  #isReported = false;
  #wanted: { subject: string; listener: (message: string) => void } | undefined;
  #subscription: Subscription | undefined;

  constructor(url: string, events: BrokerEvents) {
    this.#url = url;
    this.#events = events;
    this.#running = this.#run();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get maxBytes(): number {
    return this.#connection?.info?.max_payload ?? MAX_BYTES;
  }

  async publish(subject: string, message: string): Promise<void> {
    const connection = this.#connection;
    // It would be kept, in memory, until there is a connection again.
    if (!connection || !this.#isConnected) throw new Error('There is no connection to NATS');
    connection.publish(subject, message);
    await connection.flush();
  }

  subscribe(subject: string, listener: (message: string) => void): void {
    this.#wanted = { subject, listener };
    this.#subscribe();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // An attempt to connect cannot be cancelled; its connection is closed afterwards.
    if (!this.#connection) return;
    await this.#connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#serve().catch((error: unknown) => this.#report(error));
      this.#connection = undefined;
      this.#subscription = undefined;
      if (this.#isConnected) this.#changed(false);
      await delay(RETRY_MS, undefined, this.#closing).catch(() => {});
    }
  }

  /** Connects, and returns when the connection is lost and will not reconnect by itself. */
  async #serve(): Promise<void> {
    const connection = await connect(optionsOf(this.#url));
    this.#connection = connection;
    if (this.#closing.signal.aborted) return connection.close();
    this.#subscribe();
    this.#changed(true);
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        this.#changed(false);
        this.#report(new Error(`The connection to NATS at ${status.server} was lost`));
      } else if (status.type === 'reconnect') this.#changed(true);
      else if (status.type === 'error') this.#report(status.error);
    }
    const reason = await connection.closed();
    if (reason) throw reason;
  }

  #subscribe(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    if (!this.#wanted || !this.#connection) return;
    const { subject, listener } = this.#wanted;
    this.#subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => (error ? this.#report(error) : listener(message.string())),
    });
  }

  #changed(isConnected: boolean): void {
    this.#isConnected = isConnected;
    if (isConnected) this.#isReported = false;
    this.#events.onConnectionChange();
  }

  /** Once a connection, since a refusal repeats for each message. */
  #report(error: unknown): void {
    if (!this.#isReported && !this.#closing.signal.aborted) this.#events.onError(error);
    this.#isReported = true;
  }
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
