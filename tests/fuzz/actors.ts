import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import type { Random } from '../torture/random.ts';
import type { FuzzWorld } from './world.ts';

/** How long a client's token is used; it lasts ten minutes. */
const FRESH_MS = 300_000;

/** A sender of operations, to both databases. */
export interface Actor {
  name: string;
  /** Their share of operations, in percent. */
  share: number;
  sign(api: LiveApi): Promise<Client>;
}

/** Every kind of sender, some of them without access. */
export function actorsOf(world: FuzzWorld): readonly Actor[] {
  const { people, workspaceId, otherWorkspaceId, agents, stranger } = world;
  const person = (name: string, id: string, share: number, workspace?: string): Actor => ({
    name,
    share,
    sign: (api) => api.as(id, workspace),
  });
  const agent = (
    name: string,
    scopes: string[],
    share: number,
    who: string,
    workspace?: string,
  ) => ({
    name,
    share,
    sign: (api: LiveApi) => api.asAgent(who, scopes, workspace),
  });
  return [
    person('Owner', people.Owner, 24, workspaceId),
    person('Strategist', people.Strategist, 12, workspaceId),
    person('Creator', people.Creator, 11, workspaceId),
    person('Analyst', people.Analyst, 12, workspaceId),
    person('Viewer', people.Viewer, 11, workspaceId),
    person('Owner, no workspace named', people.Owner, 3),
    person('Owner, in the other workspace', people.Owner, 2, otherWorkspaceId),
    person('stranger', stranger, 3),
    person('stranger, in our workspace', stranger, 1, workspaceId),
    person('stranger, in the other workspace', stranger, 1, otherWorkspaceId),
    agent('agent, all scopes', ['*:write'], 8, agents.ours, workspaceId),
    agent(
      'agent, some scopes',
      ['alerts:write', 'intelligence:write', 'billing:read'],
      4,
      agents.ours,
      workspaceId,
    ),
    agent('agent, no scopes', [], 4, agents.ours, workspaceId),
    agent('agent, in the other workspace', ['*:write'], 1, agents.ours, otherWorkspaceId),
    agent('agent of the other workspace', ['*:write'], 1, agents.foreign, workspaceId),
    agent('trusted writer', ['global:write'], 2, agents.ours),
  ];
}

/** The clients of an actor, for both databases. */
export type Pair = readonly [whole: Client, alone: Client];

/** Gateways over both databases, and the actors' clients. */
export class Door {
  readonly #apis: readonly [LiveApi, LiveApi];
  readonly #clients = new Map<string, { pair: Pair; since: number }>();
  readonly actors: readonly Actor[];

  private constructor(actors: readonly Actor[], apis: readonly [LiveApi, LiveApi]) {
    this.actors = actors;
    this.#apis = apis;
  }

  static async open(world: FuzzWorld): Promise<Door> {
    return new Door(actorsOf(world), [
      await openLiveApi(world.whole),
      await openLiveApi(world.alone),
    ]);
  }

  pick(random: Random): Actor {
    return random.pick(this.actors.flatMap((actor) => Array<Actor>(actor.share).fill(actor)));
  }

  /** The actor's clients, with tokens that have not expired. */
  async clients(actor: Actor): Promise<Pair> {
    const known = this.#clients.get(actor.name);
    if (known && Date.now() - known.since < FRESH_MS) return known.pair;
    const [whole, alone] = this.#apis;
    const pair: Pair = [await actor.sign(whole), await actor.sign(alone)];
    this.#clients.set(actor.name, { pair, since: Date.now() });
    return pair;
  }

  async close(): Promise<void> {
    for (const api of this.#apis) await api.close();
  }
}
