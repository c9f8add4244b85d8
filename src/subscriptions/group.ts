import { setImmediate } from 'node:timers/promises';
import { Stop } from '../context/stop.ts';
import type { Batch } from '../realtime/feed.ts';
import type { Position } from '../realtime/position.ts';
import type { Payload, Sink, StreamEnd } from './result-stream.ts';
import { MAX_UNSENT_BYTES } from './result-stream.ts';

/** Clients served before others get a turn: 1,000 writes would keep all else waiting, 5 ms and more. */
export const CLIENTS_PER_TURN = 100;
/** Changes that may wait for their execution before the group gives up. */
const MAX_WAITING_CHANGES = 20_000;

/** Executes the changes of a batch that the group is told, each once, in order, while they are wanted. */
export type ExecuteBatch = (batch: Batch, unwanted: Stop) => Promise<Payload[]>;

/** Why what is read for subscribers need not be. */
export const NOBODY_LISTENS = new Error('Nobody listens any more');

export interface GroupEvents {
  /** A result has been handed to the last of its clients. */
  onDelivered(clients: number, payload: Payload): void;
  onEmpty(): void;
}

interface Job {
  number: number;
  batch: Batch;
}

/** Results of changes of the past, and where they end. */
export interface Page {
  payloads: readonly Payload[];
  end: Position;
}

/** A page of the past while it is read, for everybody who waits for it. */
class Reading {
  readonly #unwanted = new Stop();
  readonly #page: Promise<Page>;
  #readers = 0;

  constructor(read: (unwanted: Stop) => Promise<Page>) {
    this.#page = read(this.#unwanted);
  }

  join(): Promise<Page> {
    this.#readers += 1;
    return this.#page;
  }

  /** Returns whether this was the last one who waited. */
  leave(): boolean {
    this.#readers -= 1;
    if (this.#readers > 0) return false;
    this.#unwanted.stop(NOBODY_LISTENS);
    return true;
  }
}

/** A client that takes results until either side ends it. */
export class Subscriber {
  readonly #left = new Stop();
  readonly #sink: Sink;
  readonly #onEnd: (reason: StreamEnd | null) => void;

  constructor(sink: Sink, onEnd: (reason: StreamEnd | null) => void) {
    this.#sink = sink;
    this.#onEnd = onEnd;
  }

  /** Says when it is told nothing more. */
  get left(): Stop {
    return this.#left;
  }

  get gone(): boolean {
    return this.#left.reason !== undefined;
  }

  get unsentBytes(): number {
    return this.#sink.unsentBytes;
  }

  tell(payload: Payload): void {
    if (!this.gone && !this.#sink.next(payload)) this.end(TOO_SLOW);
  }

  /** Ends it for a reason that the client is told, or because the client has gone. */
  end(reason: StreamEnd | null): void {
    if (this.gone) return;
    this.#left.stop(NOBODY_LISTENS);
    if (reason) this.#sink.end(reason);
    this.#onEnd(reason);
  }
}

/** A subscriber's place in a group: told the batches from `since` (exclusive) to `until` (inclusive). */
export class Place {
  readonly subscriber: Subscriber;
  readonly since: number;
  until = Number.POSITIVE_INFINITY;
  /** What the subscriber is told once what came before has been; null when it is told at once. */
  #held: Payload[] | null;
  #heldBytes = 0;

  constructor(subscriber: Subscriber, since: number, held: boolean) {
    this.subscriber = subscriber;
    this.since = since;
    this.#held = held ? [] : null;
  }

  get isHeld(): boolean {
    return this.#held !== null;
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const payload of held) this.subscriber.tell(payload);
  }

  tell(number: number, payload: Payload): boolean {
    if (number <= this.since || number > this.until || this.subscriber.gone) return false;
    if (this.#held) {
      this.#held.push(payload);
      this.#heldBytes += payload.json.length;
      if (this.#heldBytes > MAX_UNSENT_BYTES) this.subscriber.end(TOO_SLOW);
    } else {
      this.subscriber.tell(payload);
    }
    return true;
  }
}

export const TOO_SLOW: StreamEnd = {
  code: 'TOO_SLOW',
  message: 'You read more slowly than news arrive. Connect again and go on from your last cursor.',
  outcome: 'resume',
  closeCode: 1013,
};

export const RESTARTED: StreamEnd = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'News could not be read right now. Connect again and go on from your last cursor.',
  outcome: 'resume',
  closeCode: 1012,
};

/** All clients that are told the same: whatever their number, each change is executed once. */
export class Group {
  readonly #places = new Set<Place>();
  readonly #emptied = new Stop();
  readonly #execute: ExecuteBatch;
  readonly #events: GroupEvents;
  #jobs: Job[] = [];
  #waiting = 0;
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  readonly #firstPages = new Map<string, Reading>();

  constructor(execute: ExecuteBatch, events: GroupEvents) {
    this.#execute = execute;
    this.#events = events;
  }

  join(place: Place): void {
    this.#places.add(place);
  }

  /** Once the last one has left, what is read for the group is not wanted any more. */
  leave(place: Place): void {
    if (!this.#places.delete(place) || this.#places.size > 0) return;
    this.#jobs = [];
    this.#waiting = 0;
    this.#emptied.stop(NOBODY_LISTENS);
    this.#events.onEmpty();
  }

  /** Ends all who are told here. */
  end(reason: StreamEnd): void {
    for (const { subscriber } of this.#places) subscriber.end(reason);
  }

  /** Takes a batch, already reduced to what the group may be told. */
  offer(number: number, batch: Batch): void {
    this.#jobs.push({ number, batch });
    this.#waiting += batch.changes.length;
    if (this.#waiting > MAX_WAITING_CHANGES) {
      this.end(RESTARTED);
      return;
    }
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Resolves when all that was offered has been told. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /**
   * Returns what a page of the past holds; those who ask for the same at a time share one reading,
   * which is unwanted when all of them have left.
   */
  async firstPage(
    key: string,
    { left }: Subscriber,
    read: (unwanted: Stop) => Promise<Page>,
  ): Promise<Page> {
    const reading = this.#firstPages.get(key) ?? new Reading(read);
    this.#firstPages.set(key, reading);
    const forget = () => {
      if (this.#firstPages.get(key) === reading) this.#firstPages.delete(key);
    };
    const unlisten = left.listen(() => {
      if (reading.leave()) forget();
    });
    try {
      return await reading.join();
    } finally {
      unlisten();
      forget();
    }
  }

  /** Executes a batch while the results of the one before are told: many clients take a while. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    // Reported where it was executed. Whoever comes back with a cursor gets what is missing.
    const restart = () => this.end(RESTARTED);
    let telling = Promise.resolve();
    do {
      for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
        this.#waiting -= job.batch.changes.length;
        const payloads = (await this.#execute(job.batch, this.#emptied).catch(restart)) ?? [];
        await telling;
        telling = this.#tell(job.number, payloads).catch(restart);
      }
      await telling;
    } while (this.#jobs.length > 0);
    // In the same turn as the last look at the queue: nothing is offered in between.
    this.#isRunning = false;
  }

  async #tell(number: number, payloads: readonly Payload[]): Promise<void> {
    for (const payload of payloads) {
      let clients = 0;
      for (const place of this.#places) {
        if (!place.tell(number, payload)) continue;
        clients += 1;
        if (clients % CLIENTS_PER_TURN === 0) await setImmediate();
      }
      this.#events.onDelivered(clients, payload);
    }
  }
}

/** A batch reduced to some of its changes. */
export function narrowed(batch: Batch, changes: Batch['changes']): Batch {
  return {
    changes,
    end: batch.end,
    positionAfter: (change): Position => batch.positionAfter(change),
  };
}
