import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { createBatch } from './batch.ts';
import type { Batch } from './feed.ts';
import {
  CHANNEL,
  type ChangeLog,
  keepReadersAwake,
  openLog,
  type Page,
  readNews,
  readSnapshot,
  readSpan,
  retains,
} from './log.ts';
import { Pace, type PaceOptions } from './pace.ts';
import { includes, type Position, type Snapshot } from './position.ts';

const STATEMENT_MS = 30_000;
const CONNECT_MS = 5_000;
/** How long an answer may be late before the connection is given up. */
const ANSWER_GRACE_MS = 5_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** When to ask for a notification to oneself, after connecting, and when to give up waiting for it. */
const PROBES_MS = [0, 300, 600];
const PROBED_MS = 1_000;
const STOP_MS = 1_000;

export interface TailerOptions extends PaceOptions {
  connectionString: string;
  /** Most changes read at a time. */
  pageSize: number;
}

export interface TailerEvents {
  /** Changes were read; the tailer's position is their end. */
  batch(batch: Batch): void;
  /** Everything was read that had been committed when the read of this number began. */
  read(number: number): void;
  /** The position from before means nothing any more. */
  reset(): void;
  /** The connection was lost, or there was none to be had. It is tried again. */
  lost(error: unknown): void;
  /** Notifications do not arrive: changes are found by polling alone. */
  unheard(): void;
  /** Notifies all readers over another connection than this one. */
  notify(): Promise<void>;
}

/** Returns the settings of a connection for the log's statements. */
export function logConnection(connectionString: string): pg.ClientConfig {
  // Parameters of the connection string would replace these, not add to them.
  const given = parseIntoClientConfig(connectionString);
  return {
    ...given,
    options: [given.options, '-c timezone=UTC'].filter(Boolean).join(' '),
    application_name: 'codex-gateway-feed',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + ANSWER_GRACE_MS,
  };
}

/** Reads the log as it grows, over one connection, which is made anew whenever it is lost. */
export class Tailer {
  readonly #options: TailerOptions;
  readonly #events: TailerEvents;
  readonly #pace: Pace;
  #log!: ChangeLog;
  #position!: Position;
  readonly #closing = new AbortController();
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;
  #isReading = false;
  #reads = 0;
  #isLost = false;
  #isWoken = false;
  #wakeUp: (() => void) | undefined;
  #probes: NodeJS.Timeout[] = [];

  private constructor(options: TailerOptions, events: TailerEvents) {
    this.#options = options;
    this.#events = events;
    this.#pace = new Pace(options);
  }

  /** Starts at the end of the log. Rejects when the log cannot be opened. */
  static async start(options: TailerOptions, events: TailerEvents): Promise<Tailer> {
    const tailer = new Tailer(options, events);
    const client = await tailer.#connect();
    tailer.#running = tailer.#run(client);
    return tailer;
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

  /** Has the log read at once. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp?.();
  }

  /** Ends the connection; no event comes any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.wake();
    const impatient = setTimeout(() => void this.#client?.end(), STOP_MS);
    await this.#running;
    clearTimeout(impatient);
  }

  async #run(first: pg.Client): Promise<void> {
    const { signal } = this.#closing;
    let client: pg.Client | undefined = first;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        client ??= await this.#connect();
        this.#isLost = false;
        retryMs = FIRST_RETRY_MS;
        await this.#follow(client);
      } catch (error) {
        // Once an outage, however often it is tried.
        if (!this.#isLost && !signal.aborted) this.#events.lost(error);
        this.#isLost = true;
      }
      this.#disconnect();
      client = undefined;
      await delay(retryMs, undefined, { signal }).catch(() => {});
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(logConnection(this.#options.connectionString));
    this.#client = client;
    // The read that follows fails, and tells.
    client.on('error', () => this.wake());
    client.on('notification', () => this.#notified());
    try {
      await unlessAborted(client.connect(), this.#closing.signal);
      this.#pace.reconnected();
      // Listening first: what is committed after the read that follows wakes the one after it.
      await client.query(`LISTEN ${CHANNEL}`);
      await this.#open(client);
      // A lost sequence value costs nothing.
      await client.query('SET synchronous_commit = off');
      this.#probe();
      return client;
    } catch (error) {
      this.#disconnect();
      throw error;
    }
  }

  async #open(client: pg.Client): Promise<void> {
    const log = await openLog(client);
    const before = this.#log as ChangeLog | undefined;
    if (before?.identity === log.identity && retains(log, this.#position.seen)) {
      this.#log = log;
      return;
    }
    const seen = await readSnapshot(client);
    this.#log = log;
    this.#position = { log: log.identity, seen };
    if (before) this.#events.reset();
  }

  #disconnect(): void {
    for (const probe of this.#probes.splice(0)) clearTimeout(probe);
    // Whatever becomes of it: there is another one next.
    this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  async #follow(client: pg.Client): Promise<void> {
    let isOnTime = false;
    while (!this.#closing.signal.aborted) {
      this.#isWoken = false;
      this.#isReading = true;
      const { found, awake } = await this.#read(client).finally(() => {
        this.#isReading = false;
      });
      const now = performance.now();
      const heard = this.#pace.hears;
      this.#pace.read(now, { found, awake, isOnTime });
      if (heard && !this.#pace.hears) this.#probe();
      const ms = this.#pace.keepAwake(now);
      if (ms > 0) await keepReadersAwake(client, ms);
      isOnTime = await this.#sleep(this.#pace.waitMs(now));
    }
  }

  /** Reads all that is there now. */
  async #read(client: pg.Client): Promise<{ found: boolean; awake: boolean }> {
    this.#reads += 1;
    const number = this.#reads;
    const { part } = this.#position;
    // Told in part when the connection was lost.
    if (part) await this.#readRest(client, part.until, part.seq);
    const { seen } = this.#position;
    const page = await readNews(client, seen, this.#options.pageSize);
    if (!includes(page.snapshot, seen)) {
      // The log lost what had been read: its transaction ids are given to others now.
      this.#position = { log: this.#log.identity, seen: page.snapshot };
      this.#events.reset();
      return { found: true, awake: page.awake };
    }
    this.#tell(page, page.snapshot);
    if (page.more) await this.#readRest(client, page.snapshot, page.lastSeq ?? 0);
    if (!this.#closing.signal.aborted) this.#events.read(number);
    return { found: page.lastSeq !== undefined, awake: page.awake };
  }

  /** Reads the rest of a batch, page by page. */
  async #readRest(client: pg.Client, until: Snapshot, seq: number): Promise<void> {
    const { seen } = this.#position;
    let [more, afterSeq] = [true, seq];
    while (more && !this.#closing.signal.aborted) {
      const page = await readSpan(client, { seen, until, afterSeq }, this.#options.pageSize);
      this.#tell(page, until);
      afterSeq = page.lastSeq ?? afterSeq;
      more = page.more;
    }
  }

  #tell({ changes, lastSeq = 0, more }: Page, until: Snapshot): void {
    if (this.#closing.signal.aborted) return;
    const log = this.#log.identity;
    const { seen } = this.#position;
    const part = { until, seq: lastSeq };
    this.#position = more ? { log, seen, part } : { log, seen: until };
    if (changes.length === 0) return;
    this.#events.batch(createBatch(changes, { log, seen, part }, this.#position));
  }

  /** Returns whether all of the time passed. */
  #sleep(ms: number): Promise<boolean> {
    if (this.#isWoken || this.#closing.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const wake = (isOnTime: boolean) => {
        clearTimeout(timer);
        this.#wakeUp = undefined;
        resolve(isOnTime);
      };
      const timer = setTimeout(wake, ms, true);
      this.#wakeUp = () => wake(false);
    });
  }

  #notified(): void {
    // Behind a pooler that gives each statement any connection, notifications come with answers only.
    if (!this.#isReading) this.#pace.heard();
    if (!this.#pace.isAwake(performance.now())) this.wake();
  }

  /** Finds out whether notifications arrive. */
  #probe(): void {
    for (const probe of this.#probes.splice(0)) clearTimeout(probe);
    const notify = () => {
      if (!this.#pace.hears) this.#events.notify().catch(() => {});
    };
    const giveUp = () => {
      if (!this.#pace.hears) this.#events.unheard();
    };
    this.#probes = [
      ...PROBES_MS.map((ms) => setTimeout(notify, ms)),
      setTimeout(giveUp, PROBED_MS),
    ];
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
