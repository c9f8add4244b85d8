/** How far back to look for how many commits there are, in milliseconds. */
const WINDOW_MS = 250;
/**
 * There are many commits when this share of the scheduled reads finds some, of at least so many reads: a read that a
 * writer asked for finds some however few there are.
 */
const BUSY_SHARE = 1 / 2;
const BUSY_READS = 6;
/** How often a reader polls that no writer wakes. */
const AWAKE_POLL_MS = 2;
/** The same to find several changes at a time, or none any more. */
const RESTING_POLL_MS = 4;
/** How long writers need not wake readers, since these poll, when there are many commits. */
const KEPT_AWAKE_MS = 200;
/** Transactions that did not wake readers, since they were awake then, may commit a little later. */
const FALLING_ASLEEP_MS = 100;
/** How often to ask for a notification to oneself. */
const PROBE_MS = 300;
/** After this long without one, ask less often. */
const UNHEARD_MS = 1_000;
/** How often to ask then: the process may have been busy for a while. */
const UNHEARD_PROBE_MS = 2_000;
/** After this long without one, report that none arrive. A busy start takes a few seconds. */
const REPORT_MS = 10_000;
/** How long to wait for it without asking anything else: notifications that come along with answers do not count. */
const PROBE_WAIT_MS = 25;
/** Scheduled reads that find changes without a notification, after which these are taken for lost. */
const MAX_SURPRISES = 3;

export interface PollScheduleOptions {
  /** How often to read although nobody wakes the reader, in milliseconds. */
  pollMs: number;
  /** The same where notifications do not arrive. */
  unheardPollMs: number;
}

/**
 * Decides when the log is read next. It only affects how soon something is read, never whether.
 * Times are in milliseconds of any clock that only goes forward.
 */
export class PollSchedule {
  readonly #options: PollScheduleOptions;
  #reads: { at: number; found: boolean }[] = [];
  #isCountedOn = false;
  #awakeUntil = Number.NEGATIVE_INFINITY;
  #keptAwakeUntil = Number.NEGATIVE_INFINITY;
  #hears = false;
  #deafSince = Number.NEGATIVE_INFINITY;
  #probedAt = Number.NEGATIVE_INFINITY;
  #isReported = false;
  #surprises = 0;

  constructor(options: PollScheduleOptions) {
    this.#options = options;
  }

  /** Begins with a connection of which it is not known whether notifications arrive. */
  connected(now: number): void {
    this.#hears = false;
    this.#deafSince = now;
    this.#probedAt = Number.NEGATIVE_INFINITY;
    this.#isReported = false;
    this.#surprises = 0;
  }

  /** Whether notifications are known to arrive. */
  get hears(): boolean {
    return this.#hears;
  }

  /** A notification arrived that did not come along with the answer to a statement. */
  heard(): void {
    this.#hears = true;
    this.#surprises = 0;
  }

  /** Notes a read: whether it found changes, and whether writers count on readers that poll. */
  read(
    now: number,
    { found, awake, isOnTime }: { found: boolean; awake: boolean; isOnTime: boolean },
  ): void {
    this.#reads = this.#reads.filter(({ at }) => at > now - WINDOW_MS);
    if (isOnTime) this.#reads.push({ at: now, found });
    if (found && isOnTime && this.#hears && !this.#isAwake(now)) this.#surprises += 1;
    if (this.#surprises >= MAX_SURPRISES) this.connected(now);
    this.#isCountedOn = awake;
    if (awake) this.#awakeUntil = now + FALLING_ASLEEP_MS;
  }

  #isAwake(now: number): boolean {
    return now < this.#awakeUntil;
  }

  /** For how long to keep all readers awake from now on, in milliseconds; 0 to leave it as it is. */
  keepAwake(now: number): number {
    if (!this.#isBusy() || now < this.#keptAwakeUntil - KEPT_AWAKE_MS / 2) return 0;
    this.#keptAwakeUntil = now + KEPT_AWAKE_MS;
    this.#awakeUntil = Math.max(this.#awakeUntil, now + FALLING_ASLEEP_MS);
    return KEPT_AWAKE_MS;
  }

  #isBusy(): boolean {
    const found = this.#reads.filter((read) => read.found).length;
    return this.#reads.length >= BUSY_READS && found >= this.#reads.length * BUSY_SHARE;
  }

  /**
   * What to do to find out whether notifications arrive: `notify` oneself, or say that they do not:
   * `unheard`. Changes are found by polling until the first one is heard.
   */
  probe(now: number): 'notify' | 'unheard' | null {
    if (this.#hears) return null;
    const isUnheard = now >= this.#deafSince + UNHEARD_MS;
    if (now >= this.#deafSince + REPORT_MS && !this.#isReported) {
      this.#isReported = true;
      return 'unheard';
    }
    if (now < this.#probedAt + (isUnheard ? UNHEARD_PROBE_MS : PROBE_MS)) return null;
    this.#probedAt = now;
    return 'notify';
  }

  /** How long to wait for a notification before the next read, in milliseconds. */
  waitMs(now: number): number {
    if (!this.#hears && now < this.#probedAt + PROBE_WAIT_MS) return PROBE_WAIT_MS;
    if (this.#isCountedOn && !this.#isBusy()) return AWAKE_POLL_MS;
    if (this.#isAwake(now)) return RESTING_POLL_MS;
    return this.#hears ? this.#options.pollMs : this.#options.unheardPollMs;
  }
}
