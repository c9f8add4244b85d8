import { setTimeout as sleep } from 'node:timers/promises';
import type { Stop } from '../context/stop.ts';
import type { ChangeSource } from '../realtime/change-source.ts';
import type { Batch, Feed } from '../realtime/feed.ts';
import { covers, type Position } from '../realtime/position.ts';
import type { ChangeGroup, ResultPage } from './change-group.ts';
import { type Audience, mayReceive } from './group-audience.ts';
import { type Executor, executeBatch, type Operation } from './group-execution.ts';
import { MAX_UNSENT_BYTES } from './result-stream.ts';
import type { Subscriber } from './subscriber.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

const DRAIN_MS = 5;

/** Where a client resumes, and the argument that says so. */
export interface Start {
  after: Position;
  cursor: string;
  argument: string;
}

interface Reading {
  feed: Feed;
  executor: Executor;
  metrics: SubscriptionMetrics;
}

/** A client that resumes, and the group that it joins. */
interface Resuming {
  subscriber: Subscriber;
  group: ChangeGroup;
  audience: Audience;
  source: ChangeSource;
  operation: Operation;
}

/**
 * Delivers to a client what was committed since its cursor, up to the batch that its group continues
 * with, which has this number. Rejects when it cannot be read.
 */
export async function deliverMissed(
  { feed, executor, metrics }: Reading,
  { subscriber, group, audience, source, operation }: Resuming,
  { after, cursor }: Start,
  { until, number }: { until: Position; number: number },
): Promise<void> {
  if (subscriber.gone || covers(after, until)) return;
  const filter = {
    models: [source.model],
    workspaceId: audience.workspace?.id ?? null,
    readerId: audience.personId,
  };
  const read = async (batch: Batch, unwanted: Stop): Promise<ResultPage> => {
    metrics.replayPages.inc();
    const changes = batch.changes.filter(
      (change) => source.includes(change) && mayReceive(audience, change),
    );
    const own = narrowed(batch, changes);
    const payloads = await executeBatch(executor, audience, operation, own, unwanted);
    return { payloads, end: batch.end };
  };
  const first = await group.firstPage(`${cursor} ${number}`, subscriber, async (unwanted) => {
    for await (const batch of feed.replay(after, until, filter)) return read(batch, unwanted);
    return { payloads: [], end: until };
  });
  await deliverPage(subscriber, first);
  if (covers(first.end, until)) return;
  for await (const batch of feed.replay(first.end, until, filter)) {
    await deliverPage(subscriber, await read(batch, subscriber.left));
    if (subscriber.gone) return;
  }
}

/** Delivers a page no faster than the client reads. */
async function deliverPage(subscriber: Subscriber, { payloads }: ResultPage): Promise<void> {
  for (const payload of payloads) {
    while (subscriber.unsentBytes > MAX_UNSENT_BYTES / 2 && !subscriber.gone) await sleep(DRAIN_MS);
    if (subscriber.gone) return;
    subscriber.deliver(payload);
  }
}

/** Returns a batch with only some of its changes. */
export function narrowed(batch: Batch, changes: Batch['changes']): Batch {
  return {
    changes,
    end: batch.end,
    positionAfter: (change): Position => batch.positionAfter(change),
  };
}
