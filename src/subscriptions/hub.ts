import type { ExecutionArgs } from 'graphql';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { holderOf, type Quotas, type Release } from '../context/quotas.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Change } from '../realtime/change.ts';
import type { Batch, Feed } from '../realtime/feed.ts';
import type { Position } from '../realtime/position.ts';
import type { ChangeSource } from '../realtime/source.ts';
import { TurnsByKey } from '../realtime/turns.ts';
import { Admission, type Seat, type Wish } from './access.ts';
import { type Start, tellPast } from './catch-up.ts';
import { narrowed, Place, RESTARTED, Subscriber } from './group.ts';
import { type Audience, audienceOf, mayBeTold } from './group-audience.ts';
import type { Executor } from './group-execution.ts';
import { type Entry, Groups, groupKey } from './groups.ts';
import { LiveQueries } from './live-queries.ts';
import { createPlanner } from './operation-plan.ts';
import {
  attachOrRefuse,
  type ResultStream,
  refusedFor,
  type Sink,
  type StreamEnd,
} from './result-stream.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';
import { type Request, requestOf } from './subscription-request.ts';

export interface HubOptions extends Omit<Executor, 'cursorAfter'> {
  feed: Feed;
  quotas: Quotas;
  metrics: SubscriptionMetrics;
  /** What an execution, or a check of memberships, failed with. */
  onError(error: unknown): void;
}

const REPLACED: StreamEnd = {
  code: 'CURSOR_EXPIRED',
  message: 'The database was restored or replaced: read the list again, and go on from there.',
  outcome: 'stop',
};

/** Clients of one person or agent that are told the past at a time: each holds a page of it. */
const CATCHING_UP_AT_ONCE = 8;

/** Who asked for what, and where it is told that now. */
interface ChangeSeat extends Seat {
  /** Gives back what it is counted for. */
  readonly release: Release;
  isCatchingUp: boolean;
  audience: Audience;
  entry: Entry;
  place: Place;
}

/** Serves every subscription, and every live query, of this process from one reading of the change log. */
export class SubscriptionHub {
  readonly #options: HubOptions;
  readonly #executor: Executor;
  readonly #planOf: ReturnType<typeof createPlanner>;
  readonly #groups: Groups;
  readonly #admission: Admission;
  readonly #live: LiveQueries;
  readonly #catchingUp = new TurnsByKey(CATCHING_UP_AT_ONCE);
  readonly #stopListening: () => void;
  /** By workspace: all groups of one are told the same. */
  readonly #cursors = new WeakMap<Change, Map<string | null, string>>();
  #batches: Batch[] = [];
  #isDispatching = false;
  #dispatching: Promise<void> = Promise.resolve();
  #dispatched = 0;
  #position: Position;
  #closed = false;

  constructor(options: HubOptions) {
    const { feed, schema } = options;
    this.#options = options;
    this.#executor = {
      ...options,
      cursorAfter: (batch, change, audience) => this.#cursorAfter(batch, change, audience),
    };
    this.#groups = new Groups({ ...options, executor: this.#executor });
    this.#planOf = createPlanner(schema);
    this.#admission = new Admission(options);
    this.#live = new LiveQueries({
      ...options,
      executor: this.#executor,
      admission: this.#admission,
      planOf: this.#planOf,
      settled: () => this.#dispatching,
    });
    this.#position = feed.position();
    this.#stopListening = feed.listen((batch) => this.#take(batch));
    feed.onReset(() => {
      this.#position = feed.position();
      this.#groups.endAll(REPLACED);
      // Live queries have no cursor: they begin anew.
      this.#admission.endAll(RESTARTED);
    });
  }

  /**
   * Returns the stream of an operation whose `subscribe` gave this source. Rejects with
   * BAD_USER_INPUT or CURSOR_EXPIRED for a cursor that cannot be gone on from, and with
   * TOO_MANY_SUBSCRIPTIONS.
   */
  async open(
    source: ChangeSource,
    args: ExecutionArgs,
    lastEventId?: string,
  ): Promise<ResultStream> {
    const context = args.contextValue as Context;
    const { feed } = this.#options;
    const cursor = lastEventId ?? source.after;
    let start: Start | null = null;
    if (cursor !== null) {
      const argument = lastEventId === undefined ? 'after' : 'last-event-id';
      const after = feed.open(cursor, context.workspace?.id ?? null, argument);
      start = { after, cursor, argument };
      try {
        await feed.reach(after);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        if (error.code !== 'SERVICE_UNAVAILABLE') throw about(argument, error);
        // An error of the operation would be the end for clients, which had better come again.
        return { attach: endAtOnce };
      }
      await this.#dispatching;
    }
    this.#assertOpen();
    const request = requestOf(this.#planOf, args, source);
    this.#admission.assertRoom(wishOf(context, request));
    return {
      attach: (sink) => attachOrRefuse(sink, () => this.#attach(sink, context, request, start)),
    };
  }

  /**
   * Returns the stream of a live query. Throws BAD_USER_INPUT for what cannot be kept up to date, and
   * TOO_MANY_SUBSCRIPTIONS.
   */
  openLive(args: ExecutionArgs): ResultStream {
    this.#assertOpen();
    return this.#live.open(args);
  }

  /** Ends all streams, which go on elsewhere from their cursors. Takes no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    this.#admission.endAll({
      code: 'SERVICE_UNAVAILABLE',
      message: 'The gateway is stopping. Connect again and go on from your last cursor.',
      outcome: 'resume',
      closeCode: 1001,
    });
  }

  #assertOpen(): void {
    if (this.#closed) throw new GatewayError('SERVICE_UNAVAILABLE', 'The gateway is stopping.');
  }

  #attach(sink: Sink, context: Context, request: Request, start: Start | null): () => void {
    const { viewer, session } = context;
    const release = this.#admission.takePlace(wishOf(context, request));
    const isStale = this.#admission.isStale(context);
    const subscriber = new Subscriber(sink, (reason) => this.#leave(seat, reason));
    const entry = this.#groups.entryOf(request, audienceOf(context, request.isPersonal));
    const place = new Place(subscriber, this.#dispatched, start !== null || isStale);
    const seat: ChangeSeat = {
      subscriber,
      viewer,
      session,
      audience: entry.audience,
      move: (role) => this.#move(seat, role),
      release,
      isCatchingUp: place.isHeld,
      entry,
      place,
    };
    this.#admission.enter(seat);
    entry.group.join(place);
    if (place.isHeld) {
      void this.#catchUp(seat, start, isStale).finally(() => {
        seat.isCatchingUp = false;
        if (subscriber.gone) release();
      });
    }
    return () => subscriber.end(null);
  }

  async #catchUp(seat: ChangeSeat, start: Start | null, isStale: boolean): Promise<void> {
    const { subscriber, place } = seat;
    const [number, until] = [this.#dispatched, this.#position];
    try {
      if (isStale) await this.#admission.readmit([seat]);
      if (start && !subscriber.gone) {
        const { entry, viewer } = seat;
        const { scope, id } = holderOf(viewer);
        const { feed, metrics } = this.#options;
        const reading = { feed, metrics, executor: this.#executor };
        const { operation } = entry.request;
        await this.#catchingUp.take(`${scope} ${id}`, () =>
          tellPast(reading, { ...entry, operation, subscriber }, start, { until, number }),
        );
      }
      if (!subscriber.gone) place.release();
    } catch (error) {
      if (error instanceof GatewayError) {
        subscriber.end(refusedFor(start ? about(start.argument, error) : error));
      } else {
        this.#options.onError(error);
        subscriber.end(RESTARTED);
      }
    }
  }

  #cursorAfter(batch: Batch, change: Change, { workspace }: Audience): string {
    const workspaceId = workspace?.id ?? null;
    const cursors = this.#cursors.get(change) ?? new Map<string | null, string>();
    this.#cursors.set(change, cursors);
    let cursor = cursors.get(workspaceId);
    if (cursor === undefined) {
      cursor = this.#options.feed.seal(batch.positionAfter(change), workspaceId);
      cursors.set(workspaceId, cursor);
    }
    return cursor;
  }

  #leave(seat: ChangeSeat, reason: StreamEnd | null): void {
    this.#admission.leave(seat, reason);
    seat.entry.group.leave(seat.place);
    // What is read for it goes on to the end of a page.
    if (!seat.isCatchingUp) seat.release();
  }

  #take(batch: Batch): void {
    this.#batches.push(batch);
    if (!this.#isDispatching) this.#dispatching = this.#dispatchAll();
  }

  /** Without a change of memberships all of it happens in the turn in which the batch was read. */
  async #dispatchAll(): Promise<void> {
    this.#isDispatching = true;
    for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
      const seats = this.#admission.unsettled(batch.changes);
      // Nobody is told anything who may have been removed by then.
      if (seats.length > 0) await this.#admission.readmit(seats);
      this.#dispatch(batch);
    }
    this.#isDispatching = false;
  }

  #dispatch(batch: Batch): void {
    this.#dispatched += 1;
    this.#position = batch.end;
    const told = new Map<Entry, Change[]>();
    for (const change of batch.changes) {
      for (const entry of this.#groups.listening(change.model)) {
        if (!entry.source.includes(change) || !mayBeTold(change, entry.audience)) continue;
        const changes = told.get(entry);
        if (changes) changes.push(change);
        else told.set(entry, [change]);
      }
    }
    this.#options.metrics.events.inc(batch.changes.length);
    for (const [{ group }, changes] of told) {
      group.offer(this.#dispatched, narrowed(batch, changes));
    }
    this.#live.wake(batch.changes);
  }

  /** What was dispatched so far is told by the old group, what follows by the new one. */
  #move(seat: ChangeSeat, role: MemberRole): void {
    const { subscriber, viewer, session, entry, place } = seat;
    const { request } = entry;
    if (place.isHeld) {
      subscriber.end(RESTARTED);
      return;
    }
    const workspace = entry.audience.workspace && { id: entry.audience.workspace.id, role };
    const audience = audienceOf({ viewer, session, workspace }, request.isPersonal);
    place.until = this.#dispatched;
    seat.audience = audience;
    seat.entry = this.#groups.entryOf(request, audience);
    seat.place = new Place(subscriber, this.#dispatched, true);
    seat.entry.group.join(seat.place);
    const { place: next } = seat;
    void entry.group.settled().then(() => {
      entry.group.leave(place);
      next.release();
    });
  }
}

function wishOf(context: Context, request: Request): Wish {
  const audience = audienceOf(context, request.isPersonal);
  return { context, resource: 'subscriptions', group: groupKey(request, audience) };
}

function endAtOnce(sink: Sink): () => void {
  sink.end(RESTARTED);
  return () => {};
}

/** An error about a cursor says which one of what the client sent it is. */
function about(argument: string, error: GatewayError): GatewayError {
  if (error.code !== 'CURSOR_EXPIRED') return error;
  return new GatewayError(error.code, error.message, { argument, cause: error });
}
