import type { Broker, BrokerFactory } from './broker.ts';
import { BrokerCodec, type Message, RESIGNED } from './broker-codec.ts';
import type { Change } from './change.ts';
import type { Batch } from './feed.ts';
import type { LogConnection } from './log.ts';
import type { LogReader, Relay } from './log-reader.ts';
import { covers, type Position, type Snapshot } from './position.ts';

/** How often to try to become the reader, where there seems to be none. */
const ELECTION_MS = 1_000;
/** After this long the reader publishes its position, at its next read. */
const HEARTBEAT_MS = 200;
/** After this long without a message there seems to be no reader. */
const SILENCE_MS = 1_500;
/** How often followers read the log for changes that no message brought. */
const CHECK_MS = 5_000;
/** Of messages that wait for a read to end. */
const MAX_WAITING_CHANGES = 50_000;
const MAX_UNACKNOWLEDGED_BYTES = 8_388_608;
const RESIGN_MS = 500;

/** Postgres notices when the machine of a reader has died, and gives its lock to another one. */
const LOCK = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked';
const UNLOCK = 'SELECT pg_advisory_unlock(hashtextextended($1, 0))';
const NOTICE_LOSS = `SELECT set_config(name, value, false)
  FROM (VALUES ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '5'),
    ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '20000')) AS setting (name, value)`;

/**
 * What a replica does: read the log for all, follow the one that does, or read for itself since no
 * reader is known.
 */
export type Role = 'reader' | 'follower' | 'alone';

export interface ReplicaRelayEvents {
  onRoleChange?(role: Role): void;
  /** Called when the broker is lost or refuses something. It is tried again. */
  onBrokerError?(error: unknown): void;
}

/**
 * Lets one of the replicas read the log and send the changes to the others. What the broker loses or
 * reorders is read from the log, so that it only causes delay.
 */
export class ReplicaRelay implements Relay {
  readonly #broker: Broker;
  readonly #events: ReplicaRelayEvents;
  #logReader: LogReader | undefined;
  #codec: BrokerCodec | undefined;
  #role: Role = 'alone';
  /** Whether the connection is a session of its own: behind a transaction pooler locks are not kept. */
  #isSession = false;
  #isElected = false;
  #isLeaving = false;
  #electionAt = 0;
  #waiting: Message[] = [];
  #waitingChanges = 0;
  #receivedAt = Number.NEGATIVE_INFINITY;
  /** Up to where changes were published to followers. */
  #published: Position | undefined;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #unacknowledgedBytes = 0;
  #isRefused = false;

  constructor(createBroker: BrokerFactory, events: ReplicaRelayEvents) {
    this.#events = events;
    this.#broker = createBroker({
      onConnectionChange: () => this.#logReader?.sleeper.interrupt(),
      onError: (error) => events.onBrokerError?.(error),
    });
  }

  connected(logReader: LogReader): void {
    this.#logReader = logReader;
    this.#isSession = false;
    this.#isElected = false;
    this.#electionAt = 0;
    this.restart();
  }

  /** Starts again at the position of the log reader, in the log that it reads. */
  restart(): void {
    if (!this.#logReader) return;
    const { log, position } = this.#logReader;
    this.#forget();
    this.#published = position;
    const codec = new BrokerCodec(log);
    if (codec.subject === this.#codec?.subject) return;
    this.#codec = codec;
    this.#receivedAt = Number.NEGATIVE_INFINITY;
    this.#broker.subscribe(codec.subject, (text) => this.#receive(text, codec));
  }

  async pause(logReader: LogReader, client: LogConnection): Promise<boolean> {
    this.#isSession ||= logReader.hears;
    if (this.#isSession && !this.#isElected && this.#hears()) {
      this.#become('follower');
      await logReader.listen(client, false);
      await this.#follow(logReader, client);
      return true;
    }
    await this.#elect(client, logReader.position);
    this.#become(this.#isElected ? 'reader' : 'alone');
    if (this.#isElected && performance.now() - this.#publishedAt >= HEARTBEAT_MS) {
      this.#publish(logReader.position, []);
    }
    return logReader.listen(client);
  }

  /** Sends what was read to the followers, if this replica is the reader. */
  share({ changes, end }: Batch): void {
    if (this.#isElected) this.#publish(end, changes);
  }

  /** Has another replica become the reader at once. */
  async resign(): Promise<void> {
    this.#isLeaving = true;
    const codec = this.#codec;
    if (!this.#isElected || !codec || !this.#broker.isConnected) return;
    this.#isElected = false;
    const published = this.#broker.publish(codec.subject, codec.seal(RESIGNED)).catch(() => {});
    const timeout = new Promise((resolve) => setTimeout(resolve, RESIGN_MS).unref());
    await Promise.race([published, timeout]);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }

  async #elect(client: LogConnection, position: Position): Promise<void> {
    const now = performance.now();
    const { isConnected } = this.#broker;
    if (this.#isElected === isConnected || this.#isLeaving) return;
    if (this.#isElected) {
      // Another one may still reach the followers.
      this.#isElected = false;
      await client.query(UNLOCK, [this.#codec?.subject]);
    } else if (this.#isSession && now >= this.#electionAt) {
      const { rows } = await client.query<{ locked: boolean }>(LOCK, [this.#codec?.subject]);
      if (rows[0]?.locked) {
        this.#isElected = true;
        this.#published = position;
        this.#publishedAt = Number.NEGATIVE_INFINITY;
        this.#forget();
        await client.query(NOTICE_LOSS);
      }
    } else return;
    this.#electionAt = now + ELECTION_MS;
  }

  /** Delivers what is received, until there is something else to do. */
  async #follow(logReader: LogReader, client: LogConnection): Promise<void> {
    const checkAt = performance.now() + CHECK_MS;
    while (!logReader.sleeper.isWoken && this.#hears()) {
      const missing = this.#deliverReceived(logReader);
      if (missing) await logReader.readUntil(client, missing);
      else {
        const now = performance.now();
        if (now >= checkAt) return;
        const ms = Math.max(1, Math.min(checkAt, this.#receivedAt + SILENCE_MS) - now);
        await logReader.sleeper.sleep(ms);
      }
    }
  }

  /** Delivers what was received; returns up to where the log has to be read instead. */
  #deliverReceived(logReader: LogReader): Snapshot | undefined {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { from, to, changes } = next;
      this.#waitingChanges -= sizeOf(next);
      const { position } = logReader;
      if (covers(position, to)) continue;
      const until = to.part?.until ?? to.seen;
      // Messages that begin elsewhere overlap with what was delivered. Up to the end of a whole batch,
      // since that is where the next message begins.
      if (!changes || !covers(position, from) || !covers(from, position)) return until;
      const more = to.part !== undefined;
      logReader.deliver({ changes: [...changes], lastSeq: to.part?.seq, more }, until);
    }
    return undefined;
  }

  #hears(): boolean {
    return this.#broker.isConnected && performance.now() - this.#receivedAt < SILENCE_MS;
  }

  #receive(text: string, codec: BrokerCodec): void {
    const message = this.#isElected ? undefined : codec.open(text);
    if (!message || codec !== this.#codec) return;
    if (message === RESIGNED) {
      this.#receivedAt = Number.NEGATIVE_INFINITY;
      this.#electionAt = 0;
    } else {
      this.#receivedAt = performance.now();
      if (this.#waitingChanges >= MAX_WAITING_CHANGES) this.#forget();
      this.#waiting.push(message);
      this.#waitingChanges += sizeOf(message);
    }
    this.#logReader?.sleeper.interrupt();
  }

  /** What is forgotten is read from the log. */
  #forget(): void {
    this.#waiting = [];
    this.#waitingChanges = 0;
  }

  #publish(to: Position, changes: readonly Change[]): void {
    const codec = this.#codec;
    const from = this.#published;
    if (!codec || !from) return;
    this.#published = to;
    this.#publishedAt = performance.now();
    // Followers notice what they miss.
    if (!this.#broker.isConnected || this.#unacknowledgedBytes > MAX_UNACKNOWLEDGED_BYTES) return;
    let text = codec.seal({ from, to, changes });
    if (Buffer.byteLength(text) > this.#broker.maxBytes) {
      text = codec.seal({ from, to, changes: null });
    }
    const bytes = text.length;
    this.#unacknowledgedBytes += bytes;
    this.#broker
      .publish(codec.subject, text)
      .then(
        () => this.#acknowledged(),
        (error) => this.#refused(error),
      )
      .finally(() => {
        this.#unacknowledgedBytes -= bytes;
      });
  }

  #acknowledged(): void {
    this.#isRefused = false;
  }

  #refused(error: unknown): void {
    if (!this.#isRefused && this.#broker.isConnected) this.#events.onBrokerError?.(error);
    this.#isRefused = true;
  }

  #become(role: Role): void {
    if (role === this.#role) return;
    this.#role = role;
    this.#events.onRoleChange?.(role);
  }
}

function sizeOf({ changes }: Message): number {
  return 1 + (changes?.length ?? 0);
}
