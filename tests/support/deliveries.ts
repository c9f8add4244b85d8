/** The outcome of committed changes; everything except `delivered` should be empty. */
export interface DeliveryReport {
  delivered: number;
  /** Committed, but never delivered. */
  lost: string[];
  /** Delivered more than once. */
  twice: string[];
  /** Delivered after a change that began only when this one had been committed. */
  disordered: string[];
  /** Delivered, but never committed. */
  unknown: string[];
}

interface Transaction {
  begun: number;
  committed: number;
  /** Whether it must be delivered. */
  isCertain: boolean;
}

/**
 * Compares what writers committed with what a reader received. Keys are the caller's, one for each
 * change; times come from `now()`, also those of other processes on this machine.
 */
export class Deliveries {
  readonly #transactions = new Map<string, Transaction>();
  readonly #delivered: string[] = [];

  /** The current time for `committed`: in milliseconds, the same for all processes. */
  static now(): number {
    // A shared clock: the offsets of the processes' own clocks are imprecise.
    return Number(process.hrtime.bigint()) / 1e6;
  }

  /**
   * Notes the changes of a transaction that was committed: its COMMIT has been answered. Those that
   * need not be delivered, as when they are undone by others, are not missed.
   */
  committed(
    keys: Iterable<string>,
    begun: number,
    committed = Deliveries.now(),
    isCertain = true,
  ): void {
    for (const key of keys) this.#transactions.set(key, { begun, committed, isCertain });
  }

  /** Notes changes with an unknown outcome: the connection was lost during COMMIT. */
  maybeCommitted(keys: Iterable<string>, begun: number): void {
    const transaction = { begun, committed: Number.POSITIVE_INFINITY, isCertain: false };
    for (const key of keys) this.#transactions.set(key, transaction);
  }

  delivered(key: string): void {
    this.#delivered.push(key);
  }

  /** Whether everything that is known to be committed has been delivered. */
  get isComplete(): boolean {
    return this.report().lost.length === 0;
  }

  report(): DeliveryReport {
    const seen = new Set<string>();
    const report: DeliveryReport = {
      delivered: this.#delivered.length,
      lost: [],
      twice: [],
      disordered: [],
      unknown: [],
    };
    let newestBegun = Number.NEGATIVE_INFINITY;
    for (const key of this.#delivered) {
      const transaction = this.#transactions.get(key);
      if (!transaction) report.unknown.push(key);
      else if (seen.has(key)) report.twice.push(key);
      else {
        if (transaction.committed < newestBegun) report.disordered.push(key);
        newestBegun = Math.max(newestBegun, transaction.begun);
      }
      seen.add(key);
    }
    for (const [key, { isCertain }] of this.#transactions) {
      if (isCertain && !seen.has(key)) report.lost.push(key);
    }
    return report;
  }
}

/** The report of a correct reader. */
export const NOTHING_WRONG = { lost: [], twice: [], disordered: [], unknown: [] };
