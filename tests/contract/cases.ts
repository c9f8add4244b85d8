import { readdirSync, readFileSync } from 'node:fs';
import { GUARDED_COLUMNS } from '../../src/database/secret-columns.ts';
import { type Column, catalog, type Relation } from '../../src/generated/catalog.ts';
import '../../src/schema/index.ts';
import type { Link } from '../../src/models/descriptor.ts';
import { models, relationsOf } from '../../src/models/index.ts';

const isGuarded = (table: string, column: string) =>
  GUARDED_COLUMNS.some((each) => each.table === table && each.column === column);

const FOLDER = new URL('../../prisma/models/', import.meta.url);

/** The names of the read models, which are views and not tables. */
export const views: ReadonlySet<string> = new Set(
  readdirSync(FOLDER).flatMap((file) =>
    [...readFileSync(new URL(file, FOLDER), 'utf8').matchAll(/^view (\w+)/gm)].map(
      ([, name]) => name as string,
    ),
  ),
);

/** A table in the API. */
export interface Case {
  name: string;
  table: string;
  /** The fields of Query for one row and for the list. */
  lookup: string;
  root: string;
  columns: [name: string, column: Column][];
  /** The columns that lists can be filtered by. */
  comparable: [name: string, column: Column][];
  one: [name: string, relation: Relation][];
  many: [name: string, relation: Relation][];
  people: [name: string, relation: Relation][];
  links: [name: string, link: Link][];
  /** Whether all, some or none of its rows belong to a workspace. */
  tenancy: 'workspace' | 'shared or workspace' | 'other';
}

/** Every table in the API, without read models and relations to them. */
export const cases: readonly Case[] = [...models.values()]
  .filter(({ name }) => !views.has(name))
  .map((model) => {
    const { name, lookup, root, ...descriptor } = model;
    const { one, many, people } = relationsOf(model);
    const { table, columns, relations } = catalog.models[name] as (typeof catalog.models)[string];
    const related = (names: readonly string[]) =>
      names
        .map((relation): [string, Relation] => [relation, relations[relation] as Relation])
        .filter(([, { to }]) => !views.has(to));
    const workspaceId = columns.workspaceId;
    const shown = descriptor.columns.map((column): [string, Column] => [
      column,
      columns[column] as Column,
    ]);
    return {
      name,
      table,
      lookup,
      root,
      columns: shown,
      comparable: shown.filter(([, { column }]) => !isGuarded(table, column)),
      one: related(one),
      many: related(many),
      people: related(people),
      links: Object.entries(descriptor.links ?? {}),
      tenancy: !workspaceId
        ? 'other'
        : workspaceId.isRequired
          ? 'workspace'
          : 'shared or workspace',
    };
  });

/** Returns the case of a model. Throws TypeError if there is none. */
export function caseOf(name: string): Case {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new TypeError(`There is no case ${name}`);
  return found;
}

/** Returns the name of a column in the database. */
export function sqlName(model: string, column: string): string {
  return `"${catalog.models[model]?.columns[column]?.column}"`;
}

/** Returns the SQL that joins rows of a model, as `a`, with those of a relation, as `b`. */
export function joinOf(model: string, relation: Relation): string {
  const owned = relation.columns.length > 0;
  const back = owned
    ? relation
    : Object.values(catalog.models[relation.to]?.relations ?? {}).find(
        ({ name, columns }) => name === relation.name && columns.length > 0,
      );
  if (!back) throw new TypeError(`Nothing joins ${model} with ${relation.to}`);
  const [holder, target] = owned ? [model, relation.to] : [relation.to, model];
  const [from, to] = owned ? ['a', 'b'] : ['b', 'a'];
  return back.columns
    .map(
      (column, i) =>
        `${from}.${sqlName(holder, column)} = ${to}.${sqlName(target, back.references[i] as string)}`,
    )
    .join(' and ');
}

/** Returns the cases with their names, which become the titles of tests. */
export function named(list: readonly Case[]): [string, Case][] {
  return list.map((each) => [each.name, each]);
}
