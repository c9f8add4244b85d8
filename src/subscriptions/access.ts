import type { Context } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { holdersOf, type Quotas, type Release } from '../context/quotas.ts';
import { runInSession } from '../context/session.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Change } from '../realtime/change.ts';
import type { Feed } from '../realtime/feed.ts';
import { RESTARTED, type Subscriber } from './group.ts';
import type { Audience } from './group-audience.ts';
import { patiently } from './group-execution.ts';
import type { StreamEnd } from './result-stream.ts';
import type { SubscriptionMetrics } from './subscription-metrics.ts';

/** Models whose changes decide who may go on listening. */
const ADMITTING_MODELS = ['WorkspaceMember', 'AgentAssignment', 'Agent'];
/** Contexts are made when a request begins, and the longest one may have begun this long ago. */
const STALE_CONTEXT_MS = 60_000;

export interface AdmissionOptions {
  feed: Pick<Feed, 'workspaceRoles'>;
  database: Database;
  quotas: Quotas;
  metrics: SubscriptionMetrics;
  /** What a check of memberships failed with. */
  onError(error: unknown): void;
}

/** What somebody asks to listen to. */
export interface Wish {
  context: Pick<Context, 'viewer' | 'workspace'>;
  resource: 'subscriptions' | 'live-queries';
  /** The key of the group: who is in one more of them costs one more execution for each change. */
  group: string;
}

/** Somebody who listens. */
export interface Seat {
  readonly subscriber: Subscriber;
  readonly viewer: Context['viewer'];
  readonly session: Context['session'];
  /** With whom it is told the same, as long as it has this role. */
  readonly audience: Audience;
  /** Goes on in the audience of another role. */
  move(role: MemberRole): void;
}

/** Who listens, and may: people are members of their workspace, agents are assigned to it. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #seats = new Set<Seat>();
  /** When memberships of a workspace last changed; of null, agents, which all workspaces share. */
  readonly #changed = new Map<string | null, number>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Throws TOO_MANY_SUBSCRIPTIONS when there is no place for one more. */
  assertRoom({ context, resource, group }: Wish): void {
    const { quotas } = this.#options;
    const holders = holdersOf(context);
    quotas.assertRoom(resource, holders);
    quotas.assertRoom('distinct', holders, group);
  }

  /** Takes a place, and returns what gives it back. Throws TOO_MANY_SUBSCRIPTIONS. */
  takePlace(wish: Wish): Release {
    this.assertRoom(wish);
    const { quotas } = this.#options;
    const holders = holdersOf(wish.context);
    const releases = [
      quotas.take(wish.resource, holders),
      quotas.take('distinct', holders, wish.group),
    ];
    return () => {
      for (const release of releases) release();
    };
  }

  enter(seat: Seat): void {
    this.#seats.add(seat);
    this.#options.metrics.subscribers.inc();
  }

  leave(seat: Seat, reason: StreamEnd | null): void {
    this.#seats.delete(seat);
    const { metrics } = this.#options;
    metrics.subscribers.dec();
    if (reason) metrics.drops.inc({ reason: reason.code });
  }

  endAll(reason: StreamEnd): void {
    for (const { subscriber } of this.#seats) subscriber.end(reason);
  }

  /** Whether a context may say what is true no more. */
  isStale({ workspace, viewer }: Pick<Context, 'workspace' | 'viewer'>): boolean {
    if (!workspace) return false;
    const places = viewer.kind === 'agent' ? [workspace.id, null] : [workspace.id];
    return places.some((id) => Date.now() - (this.#changed.get(id) ?? 0) < STALE_CONTEXT_MS);
  }

  /** Returns the seats of those whose admission these changes may have ended or altered. */
  unsettled(changes: readonly Change[]): Seat[] {
    const admitting = changes.filter(({ model }) => ADMITTING_MODELS.includes(model));
    if (admitting.length === 0) return [];
    const workspaces = new Set(admitting.map(({ workspaceId }) => workspaceId));
    const now = Date.now();
    for (const id of workspaces) this.#changed.set(id, now);
    for (const [id, at] of this.#changed) {
      if (now - at > STALE_CONTEXT_MS) this.#changed.delete(id);
    }
    return [...this.#seats].filter(({ viewer, audience }) => {
      const id = audience.workspace?.id;
      // An agent is shared by all workspaces: it may have been switched off.
      return (
        id !== undefined &&
        (workspaces.has(id) || (viewer.kind === 'agent' && workspaces.has(null)))
      );
    });
  }

  /** Ends the seats of those who are no longer admitted; moves those who have another role. */
  async readmit(seats: readonly Seat[]): Promise<void> {
    try {
      await patiently(() => this.#check(seats));
    } catch (error) {
      this.#options.onError(error);
      for (const { subscriber } of seats) subscriber.end(RESTARTED);
    }
  }

  async #check(seats: readonly Seat[]): Promise<void> {
    const workspaces = new Set(seats.map(workspaceOf));
    const members = await this.#options.feed.workspaceRoles([...workspaces]);
    const roles = new Map(
      members.map(({ workspaceId, userId, role }) => [`${workspaceId} ${userId}`, role]),
    );
    const agents = new Map<string, Promise<boolean>>();
    for (const seat of seats) {
      const { viewer, audience, session, subscriber } = seat;
      const workspaceId = workspaceOf(seat);
      if (viewer.kind === 'agent') {
        const admitted = agents.get(audience.key) ?? this.#isAdmitted(session, workspaceId);
        agents.set(audience.key, admitted);
        if (!(await admitted)) subscriber.end(removed('The agent has no active assignment now.'));
        continue;
      }
      const role = roles.get(`${workspaceId} ${viewer.id}`);
      if (!role) subscriber.end(removed('You are no longer a member of this workspace.'));
      else if (role !== audience.workspace?.role) seat.move(role);
    }
  }

  async #isAdmitted(session: Context['session'], workspaceId: string): Promise<boolean> {
    const [row] = await runInSession(session, () =>
      this.#options.database.query<{ admitted: boolean }>(
        'SELECT is_workspace_member($1) AS admitted',
        [workspaceId],
      ),
    );
    return row?.admitted ?? false;
  }
}

function workspaceOf({ audience }: Seat): string {
  return audience.workspace?.id as string;
}

function removed(message: string): StreamEnd {
  return { code: 'FORBIDDEN', message, outcome: 'stop' };
}
