import type { BrokerFactory } from './broker.ts';
import {
  createPostgresFeed,
  type PostgresFeed,
  type PostgresFeedOptions,
} from './postgres-feed.ts';
import { ReplicaRelay, type ReplicaRelayEvents } from './replica-relay.ts';

export type SharedFeedOptions = Omit<PostgresFeedOptions, 'relay'> & ReplicaRelayEvents;

export interface FeedOptions extends SharedFeedOptions {
  /** The NATS server through which one replica sends its changes to the others. */
  natsUrl?: string | undefined;
  /** The same with a Redis. */
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
    const { NatsBroker } = await import('./nats.ts');
    return createSharedFeed(options, (events) => new NatsBroker(natsUrl, events));
  }
  if (redisUrl !== undefined) {
    const { RedisBroker } = await import('./redis.ts');
    return createSharedFeed(options, (events) => new RedisBroker(redisUrl, events));
  }
  return createPostgresFeed(options);
}

/** Opens the change log, which one of the replicas that meet at the broker reads for all of them. */
export async function createSharedFeed(
  options: SharedFeedOptions,
  createBroker: BrokerFactory,
): Promise<PostgresFeed> {
  const relay = new ReplicaRelay(createBroker, options);
  let feed: PostgresFeed;
  try {
    feed = await createPostgresFeed({ ...options, relay });
  } catch (error) {
    await relay.close();
    throw error;
  }
  // Other replicas first: what this one does with a batch may take a while.
  feed.listen((batch) => relay.share(batch));
  feed.onReset(() => relay.restart());
  let closing: Promise<void> | undefined;
  return {
    ...feed,
    close() {
      closing ??= (async () => {
        await relay.resign();
        await feed.close();
        await relay.close();
      })();
      return closing;
    },
  };
}
