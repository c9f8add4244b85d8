import { setTimeout as delay } from 'node:timers/promises';
import { createBatch } from './change-batch.ts';
import type { Batch } from './feed.ts';
import {
  CHANNEL,
  type ChangeLog,
  keepReadersAwake,
  type LogConnection,
  type LogPage,
  openLog,
  readChangesAfter,
  readLogEnd,
  readSpan,
  retains,
} from './log.ts';
import { LogClient, unlessAborted } from './log-connection.ts';
import { PollSchedule, type PollScheduleOptions } from './poll-schedule.ts';
import { includes, type Position, type Snapshot } from './position.ts';
import { Sleeper } from './sleeper.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** How long a read may continue when closing. */
const STOP_MS = 1_000;

export interface LogReaderOptions extends PollScheduleOptions {
  connectionString: string;
  /** Whether the connection is a session of its own; without one, changes are found by polling. */
  isSession: boolean;
  /** Most changes read at a time. */
  pageSize: number;
  relay?: Relay | undefined;
}

export interface LogReaderEvents {
  /** Changes were read; the reader's position is their end. */
  batch(batch: Batch): void;
  /** Everything was read that had been committed when the read of this number began. */
  read(number: number): void;
  /** The earlier position is no longer valid. */
  reset(): void;
  /** The log cannot be read; called once until it can. */
  lost(error: unknown): void;
  /** Notifications do not arrive: changes are found by polling alone. */
  unheard(): void;
  /** Notifies all readers, over another connection than this one. */
  notify(): Promise<void>;
}

/** Another source of the changes that a log reader reads. */
export interface Relay {
  /** Called with a new connection, before anything is read over it. */
  connected(logReader: LogReader): void;
  /**
   * Called whenever all was read. Resolves to whether the next read is due, rather than after the
   * usual wait. Meanwhile it may deliver changes, and use the connection.
   */
  pause(logReader: LogReader, client: LogConnection): Promise<boolean>;
}

/** Reads the log as it grows, over one connection, which is made again whenever it is lost. */
export class LogReader {
  /** Waits for the next read. Woken, it has the log read at once. */
  readonly sleeper = new Sleeper();
  readonly #options: LogReaderOptions;
  readonly #events: LogReaderEvents;
  readonly #schedule: PollSchedule;
  readonly #closing = new AbortController();
  #log!: ChangeLog;
  #position!: Position;
  #client: LogClient | undefined;
  #running: Promise<void> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #isLost = false;
  #isListening = false;
  #isAsking = false;
  #reads = 0;

  private constructor(options: LogReaderOptions, events: LogReaderEvents) {
    this.#options = options;
    this.#events = events;
    this.#schedule = new PollSchedule(options);
  }

  /** Starts at the end of the log. Rejects when the log cannot be opened. */
  static async start(options: LogReaderOptions, events: LogReaderEvents): Promise<LogReader> {
    const logReader = new LogReader(options, events);
    logReader.#running = logReader.#run(await logReader.#connect());
    return logReader;
  }

  get log(): ChangeLog {
    return this.#log;
  }

  get position(): Position {
    return this.#position;
  }

  /** How many reads have begun. */
  get reads(): number {
    return this.#reads;
  }

  /** Whether notifications arrive: not behind a pooler that gives each statement any connection. */
  get hears(): boolean {
    return this.#schedule.hears;
  }

  /** Has writers wake this reader, or not any more. Returns whether that was different before. */
  async listen(client: LogConnection, isListening = true): Promise<boolean> {
    if (isListening === this.#isListening || !this.#options.isSession) return false;
    this.#isListening = isListening;
    await client.query(isListening ? `LISTEN ${CHANNEL}` : `UNLISTEN ${CHANNEL}`);
    this.#schedule.connected(performance.now());
    return true;
  }

  /** Delivers changes that a snapshot sees, or a page of them, from another source than the log. */
  deliver({ changes, lastSeq = 0, more }: LogPage, until: Snapshot): void {
    if (this.#isClosed) return;
    const log = this.#log.identity;
    const { seen } = this.#position;
    const part = { until, seq: lastSeq };
    this.#position = more ? { log, seen, part } : { log, seen: until };
    if (changes.length > 0) {
      this.#events.batch(createBatch(changes, { log, seen, part }, this.#position));
    }
  }

  /** Reads and delivers all that a snapshot of the log sees. */
  async readUntil(client: LogConnection, until: Snapshot): Promise<void> {
    await this.#finishBatch(client);
    if (!includes(this.#position.seen, until)) await this.#readRest(client, until, 0);
  }

  /** Ends the connection; no event comes any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.sleeper.wake();
    const impatient = setTimeout(() => this.#disconnect(), STOP_MS);
    await this.#running;
    clearTimeout(impatient);
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(first: LogClient): Promise<void> {
    let client: LogClient | undefined = first;
    while (!this.#isClosed) {
      try {
        await this.#follow(client ?? (await this.#connect()));
      } catch (error) {
        if (!this.#isLost && !this.#isClosed) this.#events.lost(error);
        this.#isLost = true;
      }
      this.#disconnect();
      client = undefined;
      await delay(this.#retryMs, undefined, this.#closing).catch(() => {});
      this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    }
  }

  async #connect(): Promise<LogClient> {
    const client = new LogClient(this.#options.connectionString, {
      // The read that follows fails, and reports it.
      lost: () => this.sleeper.wake(),
      notification: () => this.#notified(),
    });
    this.#client = client;
    try {
      await unlessAborted(client.connect(), this.#closing.signal);
      // Listening first: commits after the next read wake the read after it.
      this.#isListening = false;
      await this.listen(client);
      await this.#open(client);
      this.#options.relay?.connected(this);
      return client;
    } catch (error) {
      this.#disconnect();
      throw error;
    }
  }

  /** Continues from its position if that belongs to the current log, else from the log's end. */
  async #open(client: LogConnection): Promise<void> {
    const log = await openLog(client);
    const before = this.#log as ChangeLog | undefined;
    if (before?.identity === log.identity && retains(log, this.#position.seen)) this.#log = log;
    else await this.#begin(client, log);
  }

  async #begin(client: LogConnection, log: ChangeLog): Promise<void> {
    const isFirst = (this.#log as ChangeLog | undefined) === undefined;
    const seen = await readLogEnd(client);
    this.#log = log;
    this.#position = { log: log.identity, seen };
    if (!isFirst && !this.#isClosed) this.#events.reset();
  }

  #disconnect(): void {
    // Whether it succeeds or not: another one follows.
    this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  async #follow(client: LogConnection): Promise<void> {
    let isOnTime = false;
    while (!this.#isClosed) {
      this.sleeper.clear();
      const { found, awake } = await this.#ask(this.#read(client));
      this.#isLost = false;
      this.#retryMs = FIRST_RETRY_MS;
      const now = performance.now();
      this.#schedule.read(now, { found, awake, isOnTime });
      const ms = this.#schedule.keepAwake(now);
      if (ms > 0) await this.#ask(keepReadersAwake(client, ms));
      if (this.#isListening) this.#probe(now);
      const { relay } = this.#options;
      const isDue = relay && (await this.#ask(relay.pause(this, client)));
      isOnTime = !isDue && (await this.sleeper.sleep(this.#schedule.waitMs(now)));
    }
  }

  /** Reads all that is there now. */
  async #read(client: LogConnection): Promise<{ found: boolean; awake: boolean }> {
    this.#reads += 1;
    const number = this.#reads;
    await this.#finishBatch(client);
    const { seen } = this.#position;
    const page = await readChangesAfter(client, seen, this.#options.pageSize);
    if (includes(page.snapshot, seen)) {
      this.deliver(page, page.snapshot);
      if (page.more) await this.#readRest(client, page.snapshot, page.lastSeq ?? 0);
    } else {
      // The log lost what had been read, and Postgres reuses its transaction ids.
      await this.#begin(client, await openLog(client));
    }
    if (!this.#isClosed) this.#events.read(number);
    return { found: page.lastSeq !== undefined, awake: page.awake };
  }

  /** Delivers the rest of a batch that was cut short when the connection, or a message, was lost. */
  async #finishBatch(client: LogConnection): Promise<void> {
    const { part } = this.#position;
    if (part) await this.#readRest(client, part.until, part.seq);
  }

  /** Reads the rest of a batch, page by page. */
  async #readRest(client: LogConnection, until: Snapshot, seq: number): Promise<void> {
    const { seen } = this.#position;
    let [more, afterSeq] = [true, seq];
    while (more && !this.#isClosed) {
      const page = await readSpan(client, { seen, until, afterSeq }, this.#options.pageSize);
      this.deliver(page, until);
      afterSeq = page.lastSeq ?? afterSeq;
      more = page.more;
    }
  }

  async #ask<T>(answer: Promise<T>): Promise<T> {
    this.#isAsking = true;
    try {
      return await answer;
    } finally {
      this.#isAsking = false;
    }
  }

  #notified(): void {
    // Behind a pooler that gives each statement any connection, they come with answers only.
    if (!this.#isAsking) this.#schedule.heard();
    this.sleeper.wake();
  }

  #probe(now: number): void {
    const step = this.#schedule.probe(now);
    if (step === 'notify') this.#events.notify().catch(() => {});
    else if (step === 'unheard') this.#events.unheard();
  }
}
