import type { Broker, BrokerFactory } from './broker.ts';
import { BrokerCodec, FAREWELL, type Message } from './broker-codec.ts';
import type { Change } from './change.ts';
import type { Batch } from './feed.ts';
import type { LogConnection } from './log.ts';
import { covers, type Position, type Snapshot } from './position.ts';
import type { Companion, Tailer } from './tailer.ts';

/** How often to try to become the reader, where there seems to be none. */
const ELECTION_MS = 1_000;
/** After this long the reader tells where it is, at its next read. */
const HEARTBEAT_MS = 200;
/** After this long without a message there seems to be no reader. */
const SILENCE_MS = 1_500;
/** How often followers look for what nobody told. */
const CHECK_MS = 5_000;
/** Of messages that wait for a read to end. */
const MAX_WAITING_CHANGES = 50_000;
const MAX_UNACKNOWLEDGED_BYTES = 8_388_608;
const FAREWELL_MS = 500;

/** Postgres notices a reader whose machine is gone, and gives its lock to another one. */
const LOCK = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked';
const UNLOCK = 'SELECT pg_advisory_unlock(hashtextextended($1, 0))';
const NOTICE_LOSS = `SELECT set_config(name, value, false)
  FROM (VALUES ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '5'),
    ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '20000')) AS setting (name, value)`;

/**
 * What a replica does: read the log for all, be told by the one that does, or read for itself since
 * it hears of none.
 */
export type Role = 'reader' | 'follower' | 'alone';

export interface BrokerCompanionEvents {
  onRoleChange?(role: Role): void;
  /** Called when the broker is lost, or refuses something; it is tried again. */
  onBrokerError?(error: unknown): void;
}

/**
 * Lets one of the replicas read the log, and the others be told by it. What the broker loses or
 * reorders is read from the log, so that it costs time only.
 */
export class BrokerCompanion implements Companion {
  readonly #broker: Broker;
  readonly #events: BrokerCompanionEvents;
  #tailer: Tailer | undefined;
  #codec: BrokerCodec | undefined;
  #role: Role = 'alone';
  /** Whether the connection is a session of its own: behind a transaction pooler locks are not kept. */
  #isSession = false;
  #isElected = false;
  #isLeaving = false;
  #electionAt = 0;
  #waiting: Message[] = [];
  #waitingChanges = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** Up to where followers were told. */
  #told: Position | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #unacknowledgedBytes = 0;
  #isRefused = false;

  constructor(createBroker: BrokerFactory, events: BrokerCompanionEvents) {
    this.#events = events;
    this.#broker = createBroker({
      onConnectionChange: () => this.#tailer?.interrupt(),
      onError: (error) => events.onBrokerError?.(error),
    });
  }

  connected(tailer: Tailer): void {
    this.#tailer = tailer;
    this.#isSession = false;
    this.#isElected = false;
    this.#electionAt = 0;
    this.restart();
  }

  /** Begins anew where the tailer is, in the log that it reads. */
  restart(): void {
    if (!this.#tailer) return;
    const { log, position } = this.#tailer;
    this.#forget();
    this.#told = position;
    const codec = new BrokerCodec(log);
    if (codec.subject === this.#codec?.subject) return;
    this.#codec = codec;
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#broker.subscribe(codec.subject, (text) => this.#hear(text, codec));
  }

  async pause(tailer: Tailer, client: LogConnection): Promise<boolean> {
    this.#isSession ||= tailer.hears;
    if (this.#isSession && !this.#isElected && this.#hears()) {
      this.#become('follower');
      await tailer.listen(client, false);
      await this.#follow(tailer, client);
      return true;
    }
    await this.#elect(client, tailer.position);
    this.#become(this.#isElected ? 'reader' : 'alone');
    if (this.#isElected && performance.now() - this.#toldAt >= HEARTBEAT_MS) {
      this.#publish(tailer.position, []);
    }
    return tailer.listen(client);
  }

  /** Tells followers what was read, if that is this replica's part. */
  tell({ changes, end }: Batch): void {
    if (this.#isElected) this.#publish(end, changes);
  }

  /** Has another replica become the reader at once. */
  async sayFarewell(): Promise<void> {
    this.#isLeaving = true;
    const codec = this.#codec;
    if (!this.#isElected || !codec || !this.#broker.isConnected) return;
    this.#isElected = false;
    const published = this.#broker.publish(codec.subject, codec.seal(FAREWELL)).catch(() => {});
    const timeout = new Promise((resolve) => setTimeout(resolve, FAREWELL_MS).unref());
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
        this.#told = position;
        this.#toldAt = Number.NEGATIVE_INFINITY;
        this.#forget();
        await client.query(NOTICE_LOSS);
      }
    } else return;
    this.#electionAt = now + ELECTION_MS;
  }

  /** Tells what is heard, until something else is to be done. */
  async #follow(tailer: Tailer, client: LogConnection): Promise<void> {
    const checkAt = performance.now() + CHECK_MS;
    while (!tailer.isWoken && this.#hears()) {
      const missing = this.#tellHeard(tailer);
      if (missing) await tailer.readUntil(client, missing);
      else {
        const now = performance.now();
        if (now >= checkAt) return;
        await tailer.sleep(Math.max(1, Math.min(checkAt, this.#heardAt + SILENCE_MS) - now));
      }
    }
  }

  /** Tells what is next of what was heard; returns up to where the log is to be read instead. */
  #tellHeard(tailer: Tailer): Snapshot | undefined {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { from, to, changes } = next;
      this.#waitingChanges -= sizeOf(next);
      const { position } = tailer;
      if (covers(position, to)) continue;
      const until = to.part?.until ?? to.seen;
      // Messages that begin elsewhere overlap with what was told. Up to the end of a whole batch,
      // since that is where the next message begins.
      if (!changes || !covers(position, from) || !covers(from, position)) return until;
      const more = to.part !== undefined;
      tailer.tell({ changes: [...changes], lastSeq: to.part?.seq, more }, until);
    }
    return undefined;
  }

  #hears(): boolean {
    return this.#broker.isConnected && performance.now() - this.#heardAt < SILENCE_MS;
  }

  #hear(text: string, codec: BrokerCodec): void {
    const message = this.#isElected ? undefined : codec.open(text);
    if (!message || codec !== this.#codec) return;
    if (message === FAREWELL) {
      this.#heardAt = Number.NEGATIVE_INFINITY;
      this.#electionAt = 0;
    } else {
      this.#heardAt = performance.now();
      if (this.#waitingChanges >= MAX_WAITING_CHANGES) this.#forget();
      this.#waiting.push(message);
      this.#waitingChanges += sizeOf(message);
    }
    this.#tailer?.interrupt();
  }

  /** What is forgotten is read from the log. */
  #forget(): void {
    this.#waiting = [];
    this.#waitingChanges = 0;
  }

  #publish(to: Position, changes: readonly Change[]): void {
    const codec = this.#codec;
    const from = this.#told;
    if (!codec || !from) return;
    this.#told = to;
    this.#toldAt = performance.now();
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
