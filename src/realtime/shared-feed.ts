import type { BrokerFactory } from './broker.ts';
import { BrokerCompanion, type BrokerCompanionEvents } from './broker-companion.ts';
import {
  createPostgresFeed,
  type PostgresFeed,
  type PostgresFeedOptions,
} from './postgres-feed.ts';

export type SharedFeedOptions = Omit<PostgresFeedOptions, 'companion'> & BrokerCompanionEvents;

export interface FeedOptions extends SharedFeedOptions {
  /** A NATS through which one replica tells the others what it reads. */
  natsUrl?: string | undefined;
  /** The same by a Redis. */
  redisUrl?: string | undefined;
}

/**
 * Opens the change log and follows it from its end: by reading it, or through the broker that is
 * named. Rejects when there is no log to be read; a broker that cannot be reached is tried again.
 */
export async function createFeed({
  natsUrl,
  redisUrl,
  ...options
}: FeedOptions): Promise<PostgresFeed> {
  if (natsUrl !== undefined) {
    const { createNatsBroker } = await import('./nats.ts');
    return createSharedFeed(options, (events) => createNatsBroker(natsUrl, events));
  }
  if (redisUrl !== undefined) {
    const { createRedisBroker } = await import('./redis.ts');
    return createSharedFeed(options, (events) => createRedisBroker(redisUrl, events));
  }
  return createPostgresFeed(options);
}

/** Opens the change log, which one of the replicas that meet at the broker reads for all of them. */
export async function createSharedFeed(
  options: SharedFeedOptions,
  createBroker: BrokerFactory,
): Promise<PostgresFeed> {
  const companion = new BrokerCompanion(createBroker, options);
  let feed: PostgresFeed;
  try {
    feed = await createPostgresFeed({ ...options, companion });
  } catch (error) {
    await companion.close();
    throw error;
  }
  // Other replicas first: what this one does with a batch may take a while.
  feed.listen((batch) => companion.tell(batch));
  feed.onReset(() => companion.restart());
  let closing: Promise<void> | undefined;
  return {
    ...feed,
    close() {
      closing ??= (async () => {
        await companion.sayFarewell();
        await feed.close();
        await companion.close();
      })();
      return closing;
    },
  };
}
