import { catalog } from '../generated/catalog.ts';
import * as agents from './agents.ts';
import * as alerts from './alerts.ts';
import * as billing from './billing.ts';
import * as campaigns from './campaigns.ts';
import * as cohorts from './cohorts.ts';
import * as content from './content.ts';
import type { DescribedModel } from './descriptor.ts';
import * as experiments from './experiments.ts';
import * as gamification from './gamification.ts';
import * as intelligence from './intelligence.ts';
import * as learning from './learning.ts';
import * as moves from './moves.ts';
import * as strategy from './strategy.ts';
import * as workspace from './workspace.ts';

/** Every table that the API shows, by the name of its model. */
export const models: ReadonlyMap<string, DescribedModel> = new Map(
  [
    agents,
    alerts,
    billing,
    campaigns,
    cohorts,
    content,
    experiments,
    gamification,
    intelligence,
    learning,
    moves,
    strategy,
    workspace,
  ]
    .flatMap((domain): DescribedModel[] => Object.values(domain))
    .map((model) => [model.name, model]),
);

/**
 * The names of models whose rows differ between members of one workspace with the same role.
 * Invitations are a view, and have no descriptor.
 */
export const personalModels: ReadonlySet<string> = new Set([
  ...[...models.values()].filter(({ personal }) => personal).map(({ name }) => name),
  'Invitation',
]);

/** The relations of a table that the API shows, by kind. */
export interface ShownRelations {
  /** To one row of a table. */
  one: readonly string[];
  /** To rows of a table. */
  many: readonly string[];
  /** To the person behind an id, shown as their profile. */
  people: readonly string[];
}

/** Returns the relations of a table that the API shows: all that are not hidden, to other tables. */
export function relationsOf({ name, hidden = {} }: DescribedModel): ShownRelations {
  const all = Object.entries(catalog.models[name]?.relations ?? {}).filter(
    ([relation]) => !(relation in hidden),
  );
  const named = (isShown: (to: string, isList: boolean) => boolean) =>
    all.filter(([, { to, isList }]) => isShown(to, isList)).map(([relation]) => relation);
  return {
    one: named((to, isList) => !isList && models.has(to)),
    many: named((to, isList) => isList && models.has(to)),
    people: named((to, isList) => !isList && to === 'AuthUser'),
  };
}
