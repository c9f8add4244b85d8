import { setImmediate } from 'node:timers/promises';
import type { ExecutionArgs } from 'graphql';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { holderOf, type Release } from '../context/quotas.ts';
import type { Stop } from '../context/stop.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Change } from '../realtime/change.ts';
import type { ChangeSource } from '../realtime/change-source.ts';
import type { Batch, Feed } from '../realtime/feed.ts';
import type { Position } from '../realtime/position.ts';
import { TurnsByKey } from '../realtime/turns.ts';
import type { Access, ActiveSubscription, Usage } from './access.ts';
import { deliverMissed, narrowed, type Start } from './catch-up.ts';
import { ChangeGroup, ChangeMember } from './change-group.ts';
import { type Audience, audienceOf, mayReceive } from './group-audience.ts';
import { type Executor, executeBatch } from './group-execution.ts';
import { type GroupEntry, GroupRegistry, groupKey } from './group-registry.ts';
import type { createAnalyzer } from './operation-analysis.ts';
import {
  attachOrRefuse,
  type Payload,
  type ResultStream,
  refusedFor,
  type Sink,
  type StreamEnd,
} from './result-stream.ts';
import { RESTARTED, Subscriber } from './subscriber.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';
import { requestOf, type SubscriptionRequest } from './subscription-request.ts';

/** Clients of one person or agent that catch up at a time: each holds a page of past changes. */
const CATCHING_UP_AT_ONCE = 8;

export interface ChangeSubscriptionsOptions {
  feed: Feed;
  executor: Executor;
  access: Access;
  metrics: SubscriptionMetrics;
  analysisOf: ReturnType<typeof createAnalyzer>;
  /** Resolves when access has been checked for all changes that were read so far. */
  settled(): Promise<void>;
  /** What an execution failed with. */
  onError(error: unknown): void;
}

type Entry = GroupEntry<ChangeGroup, SubscriptionRequest>;

interface ChangeSubscription extends ActiveSubscription {
  /** Stops counting it. */
  readonly release: Release;
  isCatchingUp: boolean;
  audience: Audience;
  entry: Entry;
  member: ChangeMember;
}

/** Serves the subscriptions of this process: each change is executed once for each group. */
export class ChangeSubscriptions {
  readonly #options: ChangeSubscriptionsOptions;
  /** By the model of their changes. */
  readonly #groups: GroupRegistry<Entry, string>;
  readonly #catchingUp = new TurnsByKey(CATCHING_UP_AT_ONCE);
  #lastTurn: Promise<void> = Promise.resolve();
  /** How many batches have been dispatched, and the position behind the last one. */
  #dispatched = 0;
  #position: Position;

  constructor(options: ChangeSubscriptionsOptions) {
    this.#options = options;
    this.#groups = new GroupRegistry(options.metrics);
    this.#position = options.feed.position();
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
    const context = args.contextValue as Context;
    const { feed, access, analysisOf, settled } = this.#options;
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
        // An error of the operation would be final for clients, which should connect again.
        return { attach: endAtOnce };
      }
      await settled();
    }
    const request = requestOf(analysisOf, args, source);
    access.assertRoom(usageOf(context, request));
    return {
      attach: (sink) => attachOrRefuse(sink, () => this.#attach(sink, context, request, start)),
    };
  }

  /** Delivers the changes of a batch to the groups that may receive them. */
  dispatch(batch: Batch): void {
    this.#dispatched += 1;
    this.#position = batch.end;
    const received = new Map<Entry, Change[]>();
    for (const change of batch.changes) {
      for (const entry of this.#groups.of(change.model)) {
        if (!entry.request.source.includes(change) || !mayReceive(entry.audience, change)) continue;
        const changes = received.get(entry);
        if (changes) changes.push(change);
        else received.set(entry, [change]);
      }
    }
    for (const [{ group }, changes] of received) {
      group.offer(this.#dispatched, narrowed(batch, changes));
    }
  }

  /** Ends all subscriptions, since earlier positions are no longer valid. */
  reset(reason: StreamEnd): void {
    this.#position = this.#options.feed.position();
    for (const { group } of this.#groups.all()) group.end(reason);
  }

  #attach(
    sink: Sink,
    context: Context,
    request: SubscriptionRequest,
    start: Start | null,
  ): () => void {
    const { access } = this.#options;
    const { viewer, session } = context;
    const release = access.take(usageOf(context, request));
    const isStale = access.isStale(context);
    const subscriber = new Subscriber(sink, (reason) => this.#leave(subscription, reason));
    const entry = this.#entryOf(request, audienceOf(context, request.isPersonal));
    const member = new ChangeMember(subscriber, this.#dispatched, start !== null || isStale);
    const subscription: ChangeSubscription = {
      subscriber,
      viewer,
      session,
      audience: entry.audience,
      move: (role) => this.#move(subscription, role),
      release,
      isCatchingUp: member.isHeld,
      entry,
      member,
    };
    access.add(subscription);
    entry.group.join(member);
    if (member.isHeld) {
      void this.#catchUp(subscription, start, isStale).finally(() => {
        subscription.isCatchingUp = false;
        if (subscriber.gone) release();
      });
    }
    return () => subscriber.end(null);
  }

  async #catchUp(
    subscription: ChangeSubscription,
    start: Start | null,
    isStale: boolean,
  ): Promise<void> {
    const { subscriber, member } = subscription;
    const [number, until] = [this.#dispatched, this.#position];
    const { feed, metrics, executor, access, onError } = this.#options;
    try {
      if (isStale) await access.recheck([subscription]);
      if (start && !subscriber.gone) {
        const { entry, viewer } = subscription;
        const { scope, id } = holderOf(viewer);
        await this.#catchingUp.take(`${scope} ${id}`, () =>
          deliverMissed(
            { feed, metrics, executor },
            { ...entry, ...entry.request, subscriber },
            start,
            { until, number },
          ),
        );
      }
      if (!subscriber.gone) member.release();
    } catch (error) {
      if (error instanceof GatewayError) {
        subscriber.end(refusedFor(start ? about(start.argument, error) : error));
      } else {
        onError(error);
        subscriber.end(RESTARTED);
      }
    }
  }

  #leave(subscription: ChangeSubscription, reason: StreamEnd | null): void {
    this.#options.access.delete(subscription, reason);
    subscription.entry.group.leave(subscription.member);
    // Reading for it continues to the end of a page.
    if (!subscription.isCatchingUp) subscription.release();
  }

  /** The old group delivers what was dispatched so far, the new one what follows. */
  #move(subscription: ChangeSubscription, role: MemberRole): void {
    const { subscriber, viewer, session, entry, member } = subscription;
    const { request } = entry;
    if (member.isHeld) {
      subscriber.end(RESTARTED);
      return;
    }
    const workspace = entry.audience.workspace && { id: entry.audience.workspace.id, role };
    const audience = audienceOf({ viewer, session, workspace }, request.isPersonal);
    member.until = this.#dispatched;
    const next = new ChangeMember(subscriber, this.#dispatched, true);
    subscription.audience = audience;
    subscription.entry = this.#entryOf(request, audience);
    subscription.member = next;
    subscription.entry.group.join(next);
    void entry.group.settled().then(() => {
      entry.group.leave(member);
      next.release();
    });
  }

  #entryOf(request: SubscriptionRequest, audience: Audience): Entry {
    return this.#groups.get(groupKey(request, audience), request.source.model, (events) => ({
      audience,
      request,
      group: new ChangeGroup(
        (batch, unwanted) => this.#execute(request, audience, batch, unwanted),
        events,
      ),
    }));
  }

  async #execute(
    { operation }: SubscriptionRequest,
    audience: Audience,
    batch: Batch,
    unwanted: Stop,
  ): Promise<Payload[]> {
    const { executor, onError } = this.#options;
    await this.#turn();
    try {
      return await executeBatch(executor, audience, operation, batch, unwanted);
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  /**
   * Resolves when an execution may begin: one in each turn of the event loop. If all began at once,
   * the first to be ready would wait for the last before its statement is sent.
   */
  #turn(): Promise<void> {
    const turn = this.#lastTurn;
    this.#lastTurn = turn.then(() => setImmediate());
    return turn;
  }
}

function usageOf(context: Context, request: SubscriptionRequest): Usage {
  const audience = audienceOf(context, request.isPersonal);
  return { context, resource: 'subscriptions', group: groupKey(request, audience) };
}

function endAtOnce(sink: Sink): () => void {
  sink.end(RESTARTED);
  return () => {};
}

/** An error about a cursor names the argument that the client sent it in. */
function about(argument: string, error: GatewayError): GatewayError {
  if (error.code !== 'CURSOR_EXPIRED') return error;
  return new GatewayError(error.code, error.message, { argument, cause: error });
}
