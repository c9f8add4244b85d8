import { GatewayError } from '../errors.ts';
import type { Stop } from '../stop.ts';
import type { Work } from '../work.ts';
import { Slots } from './slots.ts';
import { TimeBudget } from './time-budget.ts';

/** The share of the database for one request: connections at a time, and time in total. */
export class Allowance {
  readonly budget: TimeBudget;
  readonly #connections: number;
  readonly #slots: Slots;
  #transactions = 0;

  /** Stops the work when its statements have run for `timeMs` for each request that it counts for. */
  constructor(work: Work, connections: number, timeMs: number) {
    this.#connections = connections;
    this.#slots = new Slots(connections);
    this.budget = new TimeBudget(timeMs * work.requests, () => work.stop(usedUp(timeMs)));
  }

  /** Counts one more connection if the request may have it now. Returns whether it may. */
  takeNow(): boolean {
    return this.#slots.takeNow();
  }

  /** Resolves when it may have one more connection; rejects with the reason when `stop` comes first. */
  take(stop: Stop): Promise<void> {
    return this.#slots.take(stop);
  }

  /** Counts one connection less. */
  give(): void {
    this.#slots.give();
  }

  /**
   * Counts a transaction that begins or has ended. Reads next to an open one must not wait for it.
   */
  transaction(change: 1 | -1): void {
    this.#transactions += change;
    const atLeast = this.#transactions === 0 ? 1 : this.#transactions + 1;
    this.#slots.resize(Math.max(this.#connections, atLeast));
  }
}

function usedUp(timeMs: number): GatewayError {
  return new GatewayError(
    'TIMEOUT',
    `The request took more than ${timeMs / 1_000} seconds of the database's time and was cancelled. Ask for less at a time.`,
    { status: 504 },
  );
}
