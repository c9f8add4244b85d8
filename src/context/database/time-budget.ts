/** The longest delay until an exceeded budget is noticed, in milliseconds. */
const TICK_MS = 50;

/** Adds up how long statements run, also side by side, and reports when it is too long. */
export class TimeBudget {
  /** Those with running statements: one timer for all, as most statements take less than a tick. */
  static readonly #inUse = new Set<TimeBudget>();
  static #timer: NodeJS.Timeout | undefined;

  readonly #limitMs: number;
  readonly #onUsedUp: () => void;
  #running = 0;
  #spentMs = 0;
  #since = 0;

  /** `onUsedUp` is called when the statements have run for longer than `limitMs` in all, perhaps again and again. */
  constructor(limitMs: number, onUsedUp: () => void) {
    this.#limitMs = limitMs;
    this.#onUsedUp = onUsedUp;
  }

  /** A statement is sent. */
  start(): void {
    this.#addUp();
    this.#running += 1;
    TimeBudget.#inUse.add(this);
    TimeBudget.#timer ??= setInterval(() => setImmediate(() => TimeBudget.#tick()), TICK_MS);
  }

  /** A statement is answered. */
  end(): void {
    this.#check();
    this.#running -= 1;
    if (this.#running === 0) TimeBudget.#inUse.delete(this);
  }

  /** Runs after answers that arrived while this process was busy, because these are not late. */
  static #tick(): void {
    for (const budget of TimeBudget.#inUse) budget.#check();
    if (TimeBudget.#inUse.size > 0) return;
    clearInterval(TimeBudget.#timer);
    TimeBudget.#timer = undefined;
  }

  #check(): void {
    this.#addUp();
    if (this.#spentMs > this.#limitMs) this.#onUsedUp();
  }

  #addUp(): void {
    const now = performance.now();
    this.#spentMs += this.#running * (now - this.#since);
    this.#since = now;
  }
}
