import type { Stop } from '../context/stop.ts';
import { Group, type GroupEvents, type GroupMember } from './group.ts';
import { type LiveResult, Patches } from './live-result.ts';
import type { Payload } from './result-stream.ts';
import { RESTARTED, type Subscriber } from './subscriber.ts';

/** A subscriber of a live query, and the last result that it got. */
export class LiveMember implements GroupMember {
  readonly subscriber: Subscriber;
  #last: LiveResult | null = null;
  /** The result that its next patch changes, and its number. */
  #base: LiveResult | null = null;
  #revision = 0;

  constructor(subscriber: Subscriber) {
    this.subscriber = subscriber;
  }

  /** Delivers a result unless it equals the last one. Returns what was sent, null for nothing. */
  deliver(result: LiveResult, patches: Patches): Payload | null {
    if (this.subscriber.gone || this.#last?.json === result.json) return null;
    this.#last = result;
    let payload = result.whole;
    if (result.data) {
      this.#revision += 1;
      payload = patches.payload(this.#base, result, this.#revision);
      this.#base = result;
    }
    this.subscriber.deliver(payload);
    return payload;
  }
}

/**
 * Executes the query. Resolves to null if the result is no longer needed when its
 * turn comes. Rejects when the database stays unreachable.
 */
export type ExecuteLive = (unwanted: Stop) => Promise<LiveResult | null>;

/** All clients with the same live query: it is executed once for all of them. */
export class LiveGroup extends Group<LiveMember> {
  readonly #intervalMs: number;
  readonly #execute: ExecuteLive;
  #result: LiveResult | null = null;
  /** Whether something has changed since the last execution began. */
  #isDue = true;
  #isRunning = false;
  #begun = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** Executions begin no sooner than `intervalMs` after each other. */
  constructor(intervalMs: number, execute: ExecuteLive, events: GroupEvents) {
    super(events);
    this.#intervalMs = intervalMs;
    this.#execute = execute;
  }

  /** Delivers the current result, or the first one as soon as there is one. */
  override join(member: LiveMember): void {
    super.join(member);
    if (!this.#result) {
      this.#proceed();
      return;
    }
    const payload = member.deliver(this.#result, new Patches());
    if (payload) this.delivered(1, payload);
  }

  /** Executes the query again, since its result may have changed. */
  wake(): void {
    this.#isDue = true;
    this.#proceed();
  }

  protected override onEmptied(): void {
    clearTimeout(this.#timer);
  }

  #proceed(): void {
    if (!this.#isDue || this.#isRunning || this.#timer || this.members.size === 0) return;
    const wait = this.#begun + this.#intervalMs - performance.now();
    if (wait <= 0) {
      void this.#run();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, Math.ceil(wait));
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    this.#isDue = false;
    this.#begun = performance.now();
    try {
      const result = await this.#execute(this.emptied);
      if (result) await this.#deliver(result);
    } catch {
      // Reported where it was executed. A client that connects again gets the result of then.
      this.end(RESTARTED);
    }
    this.#isRunning = false;
    this.#proceed();
  }

  async #deliver(result: LiveResult): Promise<void> {
    if (result.json === this.#result?.json) return;
    this.#result = result;
    const patches = new Patches();
    await this.deliverToAll((member) => member.deliver(result, patches));
  }
}
