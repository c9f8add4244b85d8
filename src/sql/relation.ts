import { modelOf, relationOf } from '../resolvers/catalog.ts';
import { join, type Sql, sql } from './fragment.ts';
import type { Scope } from './scope.ts';

/** Pairs of columns that are equal in a row and in the rows that a relation leads to. */
export interface RelationKey {
  own: readonly string[];
  other: readonly string[];
}

/** Returns how the rows of a relation are found, from either of its ends. */
export function relationKey(model: string, name: string): RelationKey {
  const relation = relationOf(model, name);
  if (relation.columns.length > 0) return { own: relation.columns, other: relation.references };
  const back = Object.values(modelOf(relation.to).relations).find(
    (each) => each.name === relation.name && each.columns.length > 0,
  );
  if (!back) throw new TypeError(`${model}.${name} has no columns`);
  return { own: back.references, other: back.columns };
}

/** Returns the condition that a row of `other` is one that the relation of `own` leads to. */
export function joinSql(own: Scope, relation: string, other: Scope): Sql {
  const key = relationKey(own.model, relation);
  const pairs = key.other.map(
    (column, n) => sql`${other.column(column)} = ${own.column(key.own[n] as string)}`,
  );
  return join(pairs, ' and ');
}
