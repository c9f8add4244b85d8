import type { Limits, Resource } from '../env.ts';
import { type ErrorCode, GatewayError } from './errors.ts';
import type { Identity } from './identity.ts';
import type { Viewer } from './viewer.ts';

/** A person, an agent or a workspace for which things are counted. */
export interface Holder {
  scope: HolderScope;
  /** The id of a person or a workspace, the name of an agent. */
  id: string;
}

export type HolderScope = 'person' | 'agent' | 'workspace';

/** Gives back what was taken. Calls after the first do nothing. */
export type Release = () => void;

export interface QuotaOptions {
  /** How much one holder may have at a time. */
  limits: Readonly<Record<HolderScope, Limits>>;
  onRefusal?(resource: Resource, scope: HolderScope): void;
}

/** Returns the holder for a person or an agent. */
export function holderOf(who: Identity | Viewer): Holder {
  return who.kind === 'person' ? { scope: 'person', id: who.id } : { scope: 'agent', id: who.name };
}

/** Returns the holders for which a request is counted: its sender and its workspace. */
export function holdersOf(context: { viewer: Viewer; workspace: { id: string } | null }): Holder[] {
  const { viewer, workspace } = context;
  return [holderOf(viewer), ...(workspace ? [workspaceHolder(workspace.id)] : [])];
}

export function workspaceHolder(id: string): Holder {
  return { scope: 'workspace', id };
}

/** How often each thing is held. Things without an identity count as one. */
type Held = Map<string, number>;

const ANY = '';

/**
 * Counts what people, agents and workspaces have at a time in this process, and refuses more than
 * their limits. `distinct` counts different things: the same one held twice is counted once.
 */
export class Quotas {
  readonly #options: QuotaOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /** How much is held at the moment, by people and agents, and by workspaces. */
  inUse(): { resource: Resource; scope: HolderScope; count: number }[] {
    const all = new Map<string, { resource: Resource; scope: HolderScope; count: number }>();
    for (const [key, held] of this.#held) {
      const [resource, scope] = key.split(' ', 2) as [Resource, HolderScope];
      const sum = all.get(`${resource} ${scope}`) ?? { resource, scope, count: 0 };
      sum.count += countOf(resource, held);
      all.set(`${resource} ${scope}`, sum);
    }
    return [...all.values()];
  }

  /** Returns the first of the holders that may not have one more; undefined if all may. */
  fullOf(resource: Resource, holders: readonly Holder[], thing = ANY): Holder | undefined {
    return holders.find((holder) => {
      const held = this.#held.get(keyOf(resource, holder));
      if (!held || (resource === 'distinct' && held.has(thing))) return false;
      return countOf(resource, held) >= this.#limitOf(resource, holder);
    });
  }

  /**
   * Throws TOO_MANY_REQUESTS, TOO_MANY_CONNECTIONS or TOO_MANY_SUBSCRIPTIONS, each with status 429,
   * where `take` with the same arguments would.
   */
  assertRoom(resource: Resource, holders: readonly Holder[], thing = ANY): void {
    const full = this.fullOf(resource, holders, thing);
    if (!full) return;
    this.#options.onRefusal?.(resource, full.scope);
    throw refusal(resource, full.scope, this.#limitOf(resource, full));
  }

  /**
   * Counts one more for all of the holders, or for none of them. Returns the function that gives it
   * back. Throws like `assertRoom`.
   */
  take(resource: Resource, holders: readonly Holder[], thing = ANY): Release {
    this.assertRoom(resource, holders, thing);
    const keys = holders.map((holder) => keyOf(resource, holder));
    for (const key of keys) this.#change(key, thing, 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const key of keys) this.#change(key, thing, -1);
    };
  }

  #limitOf(resource: Resource, { scope }: Holder): number {
    return this.#options.limits[scope][resource];
  }

  #change(key: string, thing: string, by: 1 | -1): void {
    const held = this.#held.get(key) ?? new Map<string, number>();
    const count = (held.get(thing) ?? 0) + by;
    if (count > 0) held.set(thing, count);
    else held.delete(thing);
    if (held.size > 0) this.#held.set(key, held);
    else this.#held.delete(key);
  }
}

function keyOf(resource: Resource, { scope, id }: Holder): string {
  return `${resource} ${scope} ${id}`;
}

function countOf(resource: Resource, held: Held): number {
  return resource === 'distinct' ? held.size : (held.get(ANY) ?? 0);
}

const CODES: Record<Resource, ErrorCode> = {
  sockets: 'TOO_MANY_CONNECTIONS',
  streams: 'TOO_MANY_SUBSCRIPTIONS',
  subscriptions: 'TOO_MANY_SUBSCRIPTIONS',
  'live-queries': 'TOO_MANY_SUBSCRIPTIONS',
  distinct: 'TOO_MANY_SUBSCRIPTIONS',
  requests: 'TOO_MANY_REQUESTS',
};

const NAMES: Record<Resource, string> = {
  sockets: 'open WebSockets',
  streams: 'open streams',
  subscriptions: 'subscriptions',
  'live-queries': 'live queries',
  distinct: 'different subscriptions and live queries',
  requests: 'requests running',
};

const HOLDERS: Record<HolderScope, string> = {
  person: 'A person',
  agent: 'An agent',
  workspace: 'A workspace',
};

function refusal(resource: Resource, scope: HolderScope, limit: number): GatewayError {
  const advice = resource === 'requests' ? 'Try again shortly' : 'End some first';
  return new GatewayError(
    CODES[resource],
    `${HOLDERS[scope]} may have at most ${limit} ${NAMES[resource]}. ${advice}.`,
    { status: 429 },
  );
}
