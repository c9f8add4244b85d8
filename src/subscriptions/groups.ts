import { setImmediate } from 'node:timers/promises';
import type { Stop } from '../context/stop.ts';
import type { Batch } from '../realtime/feed.ts';
import type { ChangeSource } from '../realtime/source.ts';
import { Group } from './group.ts';
import type { Audience } from './group-audience.ts';
import { type Executor, executeBatch } from './group-execution.ts';
import type { Payload, StreamEnd } from './result-stream.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';
import type { Request } from './subscription-request.ts';

/** What a group is made of; those who ask for the same share it. */
export interface Entry {
  group: Group;
  audience: Audience;
  source: ChangeSource;
  /** Of the first of them; the same to all. */
  request: Request;
}

export interface GroupsOptions {
  executor: Executor;
  metrics: SubscriptionMetrics;
  /** What an execution failed with. */
  onError(error: unknown): void;
}

/** The groups of all subscriptions, for as long as they have clients. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byModel = new Map<string, Set<Entry>>();
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** Returns the group of those who ask for this, which is made if there is none. */
  entryOf(request: Request, audience: Audience): Entry {
    const key = groupKey(request, audience);
    const found = this.#entries.get(key);
    if (found) return found;
    const { metrics } = this.#options;
    const { source } = request;
    const group = new Group((batch, unwanted) => this.#execute(entry, batch, unwanted), {
      onDelivered: (clients, payload) => metrics.delivered(clients, payload),
      onEmpty: () => {
        // Another one may have begun under the same key since.
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
        this.#byModel.get(source.model)?.delete(entry);
        metrics.groups.dec();
      },
    });
    const entry: Entry = { group, audience, source, request };
    this.#entries.set(key, entry);
    this.#byModel.set(source.model, (this.#byModel.get(source.model) ?? new Set()).add(entry));
    metrics.groups.inc();
    return entry;
  }

  /** Returns the groups that changes of a model may concern. */
  listening(model: string): Iterable<Entry> {
    return this.#byModel.get(model) ?? [];
  }

  endAll(reason: StreamEnd): void {
    for (const { group } of this.#entries.values()) group.end(reason);
  }

  async #execute({ audience, request }: Entry, batch: Batch, unwanted: Stop): Promise<Payload[]> {
    const { executor } = this.#options;
    await this.#turn();
    try {
      return await executeBatch(executor, audience, request.operation, batch, unwanted);
    } catch (error) {
      this.#options.onError(error);
      throw error;
    }
  }

  /**
   * Resolves when an execution may begin: one in a turn of the event loop. All at once, the first to
   * be ready would wait for the last before its statement is sent.
   */
  #turn(): Promise<void> {
    const turn = this.#lastTurn;
    this.#lastTurn = turn.then(() => setImmediate());
    return turn;
  }
}

/** Returns what tells a group from all others. */
export function groupKey({ key }: { key: string }, audience: Audience): string {
  return `${key} ${audience.key}`;
}
