import { Stop } from '../context/stop.ts';
import type { Batch } from '../realtime/feed.ts';
import type { Position } from '../realtime/position.ts';
import { Group, type GroupEvents, type GroupMember } from './group.ts';
import { MAX_UNSENT_BYTES, type Payload } from './result-stream.ts';
import { NO_SUBSCRIBERS, RESTARTED, type Subscriber, TOO_SLOW } from './subscriber.ts';

/** Changes that may wait for their execution before the group gives up. */
const MAX_WAITING_CHANGES = 20_000;

/** Executes the changes of a batch for a group, each once, in order, until `unwanted` stops. */
export type ExecuteBatch = (batch: Batch, unwanted: Stop) => Promise<Payload[]>;

interface Job {
  number: number;
  batch: Batch;
}

/** Results of past changes, and the position behind them. */
export interface ResultPage {
  payloads: readonly Payload[];
  end: Position;
}

/** A page of past changes while it is read, shared by all who wait for it. */
class PageRead {
  readonly #unwanted = new Stop();
  readonly #page: Promise<ResultPage>;
  #readers = 0;

  constructor(read: (unwanted: Stop) => Promise<ResultPage>) {
    this.#page = read(this.#unwanted);
  }

  join(): Promise<ResultPage> {
    this.#readers += 1;
    return this.#page;
  }

  /** Returns whether this was the last one who waited. */
  leave(): boolean {
    this.#readers -= 1;
    if (this.#readers > 0) return false;
    this.#unwanted.stop(NO_SUBSCRIBERS);
    return true;
  }
}

/** A subscriber that gets the batches numbered from `since` (exclusive) to `until` (inclusive). */
export class ChangeMember implements GroupMember {
  readonly subscriber: Subscriber;
  readonly since: number;
  until = Number.POSITIVE_INFINITY;
  /** What is delivered once everything before it has been; null when it is delivered at once. */
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
    for (const payload of held) this.subscriber.deliver(payload);
  }

  /** Returns whether the result of this batch is for the member. */
  deliver(number: number, payload: Payload): boolean {
    if (number <= this.since || number > this.until || this.subscriber.gone) return false;
    if (this.#held) {
      this.#held.push(payload);
      this.#heldBytes += payload.json.length;
      if (this.#heldBytes > MAX_UNSENT_BYTES) this.subscriber.end(TOO_SLOW);
    } else {
      this.subscriber.deliver(payload);
    }
    return true;
  }
}

/** All clients with the same subscription: each change is executed once for them. */
export class ChangeGroup extends Group<ChangeMember> {
  readonly #execute: ExecuteBatch;
  #jobs: Job[] = [];
  #waiting = 0;
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  readonly #firstPages = new Map<string, PageRead>();

  constructor(execute: ExecuteBatch, events: GroupEvents) {
    super(events);
    this.#execute = execute;
  }

  protected override onEmptied(): void {
    this.#jobs = [];
    this.#waiting = 0;
  }

  /** Takes a batch, already reduced to the changes that are for the group. */
  offer(number: number, batch: Batch): void {
    this.#jobs.push({ number, batch });
    this.#waiting += batch.changes.length;
    if (this.#waiting > MAX_WAITING_CHANGES) {
      this.end(RESTARTED);
      return;
    }
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Resolves when all that was offered has been delivered. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /**
   * Returns a page of past changes. Those who ask for the same page at a time share one read, which
   * stops when all of them have left.
   */
  async firstPage(
    key: string,
    { left }: Subscriber,
    read: (unwanted: Stop) => Promise<ResultPage>,
  ): Promise<ResultPage> {
    const reading = this.#firstPages.get(key) ?? new PageRead(read);
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

  /** Executes a batch while the results of the one before are delivered: many clients take a while. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    // Reported where it was executed. A client that resumes with a cursor gets the missing changes.
    const restart = () => this.end(RESTARTED);
    let delivering = Promise.resolve();
    do {
      for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
        this.#waiting -= job.batch.changes.length;
        const payloads = (await this.#execute(job.batch, this.emptied).catch(restart)) ?? [];
        await delivering;
        delivering = this.#deliver(job.number, payloads).catch(restart);
      }
      await delivering;
    } while (this.#jobs.length > 0);
    // In the same turn as the last look at the queue: nothing is offered in between.
    this.#isRunning = false;
  }

  async #deliver(number: number, payloads: readonly Payload[]): Promise<void> {
    for (const payload of payloads) {
      await this.deliverToAll((member) => (member.deliver(number, payload) ? payload : null));
    }
  }
}
