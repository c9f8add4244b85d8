import { setImmediate } from 'node:timers/promises';
import { Stop } from '../context/stop.ts';
import { CLIENTS_PER_TURN, NOBODY_LISTENS, RESTARTED, type Subscriber } from './group.ts';
import { type LiveResult, Patches } from './live-result.ts';
import type { Payload } from './result-stream.ts';

/** A subscriber's place in a live group. */
export class LivePlace {
  readonly #subscriber: Subscriber;
  #told: LiveResult | null = null;
  /** What its next patch changes, and how many results led there. */
  #base: LiveResult | null = null;
  #revision = 0;

  constructor(subscriber: Subscriber) {
    this.#subscriber = subscriber;
  }

  get subscriber(): Subscriber {
    return this.#subscriber;
  }

  /** Tells a result unless it is the one that was told last. Returns what was told. */
  tell(result: LiveResult, patches: Patches): Payload | null {
    if (this.#subscriber.gone || this.#told?.json === result.json) return null;
    this.#told = result;
    let payload = result.whole;
    if (result.data) {
      this.#revision += 1;
      payload = patches.payload(this.#base, result, this.#revision);
      this.#base = result;
    }
    this.#subscriber.tell(payload);
    return payload;
  }
}

export interface LiveGroupEvents {
  /**
   * Resolves to null when nobody wants a result any more by the time that it is its turn. Rejects when
   * the database stays out of reach.
   */
  execute(unwanted: Stop): Promise<LiveResult | null>;
  /** A result has been handed to the last of its clients. */
  onDelivered(clients: number, payload: Payload): void;
  onEmpty(): void;
}

/** All clients that are told the same results of a live query: it is executed once for all. */
export class LiveGroup {
  readonly #places = new Set<LivePlace>();
  readonly #emptied = new Stop();
  readonly #intervalMs: number;
  readonly #events: LiveGroupEvents;
  #result: LiveResult | null = null;
  /** Whether something has changed since the last execution began. */
  #isDue = true;
  #isRunning = false;
  #begun = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** Executions begin no sooner than `intervalMs` after each other. */
  constructor(intervalMs: number, events: LiveGroupEvents) {
    this.#intervalMs = intervalMs;
    this.#events = events;
  }

  /** Tells the result that there is, or the first one as soon as there is one. */
  join(place: LivePlace): void {
    this.#places.add(place);
    if (this.#result) this.#told(1, place.tell(this.#result, new Patches()));
    else this.#proceed();
  }

  leave(place: LivePlace): void {
    if (!this.#places.delete(place) || this.#places.size > 0) return;
    clearTimeout(this.#timer);
    this.#emptied.stop(NOBODY_LISTENS);
    this.#events.onEmpty();
  }

  /** Takes notice that the result may have changed. */
  wake(): void {
    this.#isDue = true;
    this.#proceed();
  }

  #proceed(): void {
    if (!this.#isDue || this.#isRunning || this.#timer || this.#places.size === 0) return;
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
      const result = await this.#events.execute(this.#emptied);
      if (result) await this.#tell(result);
    } catch {
      // Reported where it was executed. Whoever comes back is told the result of then.
      for (const { subscriber } of this.#places) subscriber.end(RESTARTED);
    }
    this.#isRunning = false;
    this.#proceed();
  }

  async #tell(result: LiveResult): Promise<void> {
    if (result.json === this.#result?.json) return;
    this.#result = result;
    const patches = new Patches();
    let clients = 0;
    let payload: Payload | null = null;
    for (const place of this.#places) {
      const told = place.tell(result, patches);
      if (!told) continue;
      payload = told;
      clients += 1;
      if (clients % CLIENTS_PER_TURN === 0) await setImmediate();
    }
    this.#told(clients, payload);
  }

  #told(clients: number, payload: Payload | null): void {
    if (payload) this.#events.onDelivered(clients, payload);
  }
}
