import type { ExecutionArgs } from 'graphql';
import { GatewayError } from '../context/errors.ts';
import type { Quotas } from '../context/quotas.ts';
import type { ChangeSource } from '../realtime/change-source.ts';
import type { Batch, Feed } from '../realtime/feed.ts';
import { Access } from './access.ts';
import { ChangeSubscriptions } from './change-subscriptions.ts';
import { createEventCursors } from './event-cursors.ts';
import type { Executor } from './group-execution.ts';
import { LiveQueries } from './live-queries.ts';
import { createAnalyzer } from './operation-analysis.ts';
import type { ResultStream, StreamEnd } from './result-stream.ts';
import { RESTARTED } from './subscriber.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

export interface HubOptions extends Omit<Executor, 'cursorAfter'> {
  feed: Feed;
  quotas: Quotas;
  metrics: SubscriptionMetrics;
  /** What an execution, or a check of memberships, failed with. */
  onError(error: unknown): void;
}

const REPLACED: StreamEnd = {
  code: 'CURSOR_EXPIRED',
  message: 'The database was restored or replaced. Read the list again and resume from there.',
  outcome: 'stop',
};

const STOPPING: StreamEnd = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'The gateway is stopping. Connect again and resume from your last cursor.',
  outcome: 'resume',
  closeCode: 1001,
};

/** Serves every subscription and live query of this process from one reading of the change log. */
export class SubscriptionHub {
  readonly #metrics: SubscriptionMetrics;
  readonly #access: Access;
  readonly #subscriptions: ChangeSubscriptions;
  readonly #liveQueries: LiveQueries;
  readonly #stopListening: () => void;
  #batches: Batch[] = [];
  #isDispatching = false;
  #dispatching: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: HubOptions) {
    const { feed, schema, metrics } = options;
    this.#metrics = metrics;
    this.#access = new Access(options);
    const shared = {
      ...options,
      executor: { ...options, cursorAfter: createEventCursors(feed) },
      access: this.#access,
      analysisOf: createAnalyzer(schema),
      settled: () => this.#dispatching,
    };
    this.#subscriptions = new ChangeSubscriptions(shared);
    this.#liveQueries = new LiveQueries(shared);
    this.#stopListening = feed.listen((batch) => this.#take(batch));
    feed.onReset(() => {
      this.#subscriptions.reset(REPLACED);
      // Live queries have no cursor: they start again.
      this.#access.endAll(RESTARTED);
    });
  }

  /**
   * Returns the stream of an operation whose `subscribe` gave this source. Rejects with
   * BAD_USER_INPUT or CURSOR_EXPIRED for a cursor that cannot be resumed from, and with
   * TOO_MANY_SUBSCRIPTIONS.
   */
  async open(
    source: ChangeSource,
    args: ExecutionArgs,
    lastEventId?: string,
  ): Promise<ResultStream> {
    const stream = await this.#subscriptions.open(source, args, lastEventId);
    this.#assertOpen();
    return stream;
  }

  /**
   * Returns the stream of a live query. Throws BAD_USER_INPUT for fields that cannot be live, and
   * TOO_MANY_SUBSCRIPTIONS.
   */
  openLive(args: ExecutionArgs): ResultStream {
    this.#assertOpen();
    return this.#liveQueries.open(args);
  }

  /** Ends all streams, which resume elsewhere from their cursors. Takes no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    this.#access.endAll(STOPPING);
  }

  #assertOpen(): void {
    if (this.#closed) throw new GatewayError('SERVICE_UNAVAILABLE', 'The gateway is stopping.');
  }

  #take(batch: Batch): void {
    this.#batches.push(batch);
    if (!this.#isDispatching) this.#dispatching = this.#dispatchAll();
  }

  /** Without changed memberships everything happens in the same turn as the read of the batch. */
  async #dispatchAll(): Promise<void> {
    this.#isDispatching = true;
    for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
      const affected = this.#access.affected(batch.changes);
      // Nothing is delivered to subscribers who may have lost access by then.
      if (affected.length > 0) await this.#access.recheck(affected);
      this.#metrics.events.inc(batch.changes.length);
      this.#subscriptions.dispatch(batch);
      this.#liveQueries.wake(batch.changes);
    }
    this.#isDispatching = false;
  }
}
