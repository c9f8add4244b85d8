import { readdirSync, readFileSync } from 'node:fs';
import { GUARDED_COLUMNS } from '../../src/database/secret-columns.ts';
import { type Column, catalog, type Relation } from '../../src/generated/catalog.ts';
import '../../src/schema/index.ts';
import type { Link } from '../../src/models/descriptor.ts';
import { models, relationsOf } from '../../src/models/index.ts';

const isGuarded = (table: string, column: string) =>
  GUARDED_COLUMNS.some((each) => each.table === table && each.column === column);

const FOLDER = new URL('../../prisma/models/', import.meta.url);

/** The read models: what the catalog lists besides tables. */
export const views: ReadonlySet<string> = new Set(
  readdirSync(FOLDER).flatMap((file) =>
    [...readFileSync(new URL(file, FOLDER), 'utf8').matchAll(/^view (\w+)/gm)].map(
      ([, name]) => name as string,
    ),
  ),
);

/** A table as the API shows it. */
export interface Case {
  name: string;
  table: string;
  /** The fields of Query. */
  lookup: string;
  root: string;
  columns: [name: string, column: Column][];
  /** Those that lists can be filtered by. */
  comparable: [name: string, column: Column][];
  one: [name: string, relation: Relation][];
  many: [name: string, relation: Relation][];
  people: [name: string, relation: Relation][];
  links: [name: string, link: Link][];
  /** Whether its rows belong to workspaces, all of them or some. */
  tenancy: 'workspace' | 'shared or workspace' | 'other';
}

/** Every table that the API shows; read models are not among them, nor relations to them. */
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

/** Returns the case of a model. Throws TypeError for one that has none. */
export function caseOf(name: string): Case {
  const found = cases.find((each) => each.name === name);
  if (!found) throw new TypeError(`There is no case ${name}`);
  return found;
}

/** Returns the database's name of a model's column. */
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

/** Returns the cases with their names, for the titles of tests. */
export function named(list: readonly Case[]): [string, Case][] {
  return list.map((each) => [each.name, each]);
}
