import type { Context } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { holdersOf, type Quotas, type Release } from '../context/quotas.ts';
import { AGENT_REFUSALS, type AgentRefusal, agentRefusal } from '../context/workspace.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Change } from '../realtime/change.ts';
import type { Feed } from '../realtime/feed.ts';
import type { Audience } from './group-audience.ts';
import { patiently } from './group-execution.ts';
import type { StreamEnd } from './result-stream.ts';
import { RESTARTED, type Subscriber } from './subscriber.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

/** Models whose changes decide who may stay subscribed. */
const ACCESS_MODELS = ['WorkspaceMember', 'AgentAssignment', 'Agent'];
/** Contexts are made when a request begins, and the longest one may have begun this long ago. */
const STALE_CONTEXT_MS = 60_000;

export interface AccessOptions {
  feed: Pick<Feed, 'workspaceRoles'>;
  database: Database;
  quotas: Quotas;
  metrics: SubscriptionMetrics;
  /** Called with the error of a failed check of memberships. */
  onError(error: unknown): void;
}

/** The quotas of one more subscription. */
export interface Usage {
  context: Pick<Context, 'viewer' | 'workspace'>;
  resource: 'subscriptions' | 'live-queries';
  /** The key of the group: each different group costs one more execution for each change. */
  group: string;
}

/** A client's subscription or live query. */
export interface ActiveSubscription {
  readonly subscriber: Subscriber;
  readonly viewer: Context['viewer'];
  readonly session: Context['session'];
  /** Who gets the same results, as long as the subscriber has this role. */
  readonly audience: Audience;
  /** Continues in the audience of another role. */
  move(role: MemberRole): void;
}

/** The subscribers and their access: people are members of their workspace, agents are assigned to it. */
export class Access {
  readonly #options: AccessOptions;
  readonly #active = new Set<ActiveSubscription>();
  /** When memberships of a workspace last changed; of null, agents, which all workspaces share. */
  readonly #changed = new Map<string | null, number>();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Throws TOO_MANY_SUBSCRIPTIONS when `take` with the same usage would. */
  assertRoom({ context, resource, group }: Usage): void {
    const { quotas } = this.#options;
    const holders = holdersOf(context);
    quotas.assertRoom(resource, holders);
    quotas.assertRoom('distinct', holders, group);
  }

  /** Counts a subscription, and returns what stops counting it. Throws TOO_MANY_SUBSCRIPTIONS. */
  take(usage: Usage): Release {
    this.assertRoom(usage);
    const { quotas } = this.#options;
    const holders = holdersOf(usage.context);
    const releases = [
      quotas.take(usage.resource, holders),
      quotas.take('distinct', holders, usage.group),
    ];
    return () => {
      for (const release of releases) release();
    };
  }

  add(subscription: ActiveSubscription): void {
    this.#active.add(subscription);
    this.#options.metrics.subscribers.inc();
  }

  delete(subscription: ActiveSubscription, reason: StreamEnd | null): void {
    this.#active.delete(subscription);
    const { metrics } = this.#options;
    metrics.subscribers.dec();
    if (reason) metrics.drops.inc({ reason: reason.code });
  }

  endAll(reason: StreamEnd): void {
    for (const { subscriber } of this.#active) subscriber.end(reason);
  }

  /** Whether the memberships in a context may be outdated. */
  isStale({ workspace, viewer }: Pick<Context, 'workspace' | 'viewer'>): boolean {
    const places = [
      ...(workspace ? [workspace.id] : []),
      ...(viewer.kind === 'agent' ? [null] : []),
    ];
    return places.some((id) => Date.now() - (this.#changed.get(id) ?? 0) < STALE_CONTEXT_MS);
  }

  /** Returns the subscriptions whose access these changes may have ended or altered. */
  affected(changes: readonly Change[]): ActiveSubscription[] {
    const relevant = changes.filter(({ model }) => ACCESS_MODELS.includes(model));
    if (relevant.length === 0) return [];
    const workspaces = new Set(relevant.map(({ workspaceId }) => workspaceId));
    const now = Date.now();
    for (const id of workspaces) this.#changed.set(id, now);
    for (const [id, at] of this.#changed) {
      if (now - at > STALE_CONTEXT_MS) this.#changed.delete(id);
    }
    return [...this.#active].filter(({ viewer, audience }) => {
      const id = audience.workspace?.id;
      // An agent is shared by all workspaces: it may have been retired.
      return (
        (id !== undefined && workspaces.has(id)) ||
        (viewer.kind === 'agent' && workspaces.has(null))
      );
    });
  }

  /** Ends the subscriptions of those who lost access; moves those who have another role. */
  async recheck(subscriptions: readonly ActiveSubscription[]): Promise<void> {
    try {
      await patiently(() => this.#check(subscriptions));
    } catch (error) {
      this.#options.onError(error);
      for (const { subscriber } of subscriptions) subscriber.end(RESTARTED);
    }
  }

  async #check(subscriptions: readonly ActiveSubscription[]): Promise<void> {
    const workspaces = new Set(
      subscriptions.flatMap(({ audience }) => (audience.workspace ? [audience.workspace.id] : [])),
    );
    const members = await this.#options.feed.workspaceRoles([...workspaces]);
    const roles = new Map(
      members.map(({ workspaceId, userId, role }) => [`${workspaceId} ${userId}`, role]),
    );
    const agents = new Map<string, Promise<AgentRefusal>>();
    for (const subscription of subscriptions) {
      const { viewer, audience, session, subscriber } = subscription;
      if (viewer.kind === 'agent') {
        const asked = agents.get(audience.key) ?? agentRefusal(session, this.#options.database);
        agents.set(audience.key, asked);
        const refusal = await asked;
        if (refusal) subscriber.end(lost(AGENT_REFUSALS[refusal]));
        continue;
      }
      const role = roles.get(`${audience.workspace?.id} ${viewer.id}`);
      if (!role) subscriber.end(lost('You are no longer a member of this workspace.'));
      else if (role !== audience.workspace?.role) subscription.move(role);
    }
  }
}

function lost(message: string): StreamEnd {
  return { code: 'FORBIDDEN', message, outcome: 'stop' };
}
