import type { GroupEvents } from './group.ts';
import type { Audience } from './group-audience.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

/** A group, and what all of its members asked for. */
export interface GroupEntry<G, Request> {
  group: G;
  audience: Audience;
  /** Of the first member; equal for all. */
  request: Request;
}

/** The groups of one kind, for as long as they have members. `Topic` is what changes look them up by. */
export class GroupRegistry<Entry extends GroupEntry<unknown, unknown>, Topic> {
  readonly #metrics: SubscriptionMetrics;
  readonly #entries = new Map<string, Entry>();
  readonly #byTopic = new Map<Topic, Set<Entry>>();

  constructor(metrics: SubscriptionMetrics) {
    this.#metrics = metrics;
  }

  /** Returns the group of this key; `create` makes it if there is none. */
  get(key: string, topic: Topic, create: (events: GroupEvents) => Entry): Entry {
    const found = this.#entries.get(key);
    if (found) return found;
    const entry = create({
      onDelivered: (clients, payload) => this.#metrics.delivered(clients, payload),
      onEmpty: () => this.#delete(key, topic, entry),
    });
    this.#entries.set(key, entry);
    this.#byTopic.set(topic, (this.#byTopic.get(topic) ?? new Set()).add(entry));
    this.#metrics.groups.inc();
    return entry;
  }

  /** Returns the groups of a topic. */
  of(topic: Topic): Iterable<Entry> {
    return this.#byTopic.get(topic) ?? [];
  }

  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  #delete(key: string, topic: Topic, entry: Entry): void {
    // Another one may have begun under the same key since.
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    const ofTopic = this.#byTopic.get(topic);
    ofTopic?.delete(entry);
    if (ofTopic?.size === 0) this.#byTopic.delete(topic);
    this.#metrics.groups.dec();
  }
}

/** Returns the key of a group: equal for the same operation and audience, different for all others. */
export function groupKey({ key }: { key: string }, audience: Audience): string {
  return `${key} ${audience.key}`;
}
