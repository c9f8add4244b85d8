import type { ObjectRef } from '@pothos/core';
import type { PrismaModelTypes, PrismaObjectRef } from '@pothos/plugin-prisma';
import type PrismaTypes from '../../generated/pothos.ts';
import { modelOf } from '../../resolvers/catalog.ts';
import { isGuarded } from '../../resolvers/secrets.ts';
import { builder, type Types } from '../builder.ts';
import { implementConnection } from './connection.ts';
import { columnFields, described, relationFields } from './fields.ts';
import { historyFields } from './history.ts';
import { implementFilter } from './inputs.ts';
import { type Link, linkFields } from './links.ts';
import { defineMutations, type Writes } from './mutations.ts';
import { defineQueries } from './queries.ts';
import { relatedConnection } from './related-connection.ts';
import { stateMachineFields } from './state-machine.ts';
import { defineSubscription } from './subscriptions.ts';
import { settableColumns } from './write-inputs.ts';

export type ModelName = Exclude<keyof PrismaTypes & string, 'AuthUser'>;
export type ColumnName<Name extends ModelName> = keyof PrismaTypes[Name]['Shape'] & string;
type RelationName<Name extends ModelName> = keyof PrismaTypes[Name]['Relations'] & string;
type ManyName<Name extends ModelName> = PrismaTypes[Name]['ListRelations'] & RelationName<Name>;
type PersonName<Name extends ModelName> = {
  [Relation in RelationName<Name>]: PrismaTypes[Name]['Relations'][Relation] extends {
    Name: 'AuthUser';
  }
    ? Relation
    : never;
}[RelationName<Name>];
export type OneName<Name extends ModelName> = Exclude<
  RelationName<Name>,
  ManyName<Name> | PersonName<Name>
>;

/** What the API shows of a table. Types, nullability and descriptions come from the Prisma model. */
export interface ModelDescriptor<Name extends ModelName> {
  /** The name of the list on Query; the look-up is the model's name in camelCase. */
  root: string;
  /** In the order of the printed schema. A column that is not listed is not shown. */
  columns: readonly ColumnName<Name>[];
  /** Columns that are kept back, each with its reason. */
  hidden?: Partial<Record<ColumnName<Name>, string>>;
  one?: readonly OneName<Name>[];
  many?: readonly ManyName<Name>[];
  /** Relations to the person behind an id, shown as their profile. */
  people?: readonly PersonName<Name>[];
  /** How clients write the table; left out, they do not. */
  writes?: Writes & {
    readOnly?: readonly ColumnName<Name>[];
    nested?: readonly ManyName<Name>[];
  };
  /** The status that takes the steps of the database's state machine only. */
  stateMachine?: ColumnName<Name>;
  /** References that the database does not know as such: names and lists of ids. */
  links?: Record<string, Link & { column: ColumnName<Name> }>;
}

export interface RegisteredModel {
  name: ModelName;
  lookup: string;
  descriptor: ModelDescriptor<ModelName>;
}

/** Every model that the API shows, by name. */
export const models = new Map<string, RegisteredModel>();

/**
 * Defines the GraphQL type of a table, its look-up by id, its list, and the subscription to its
 * changes. Returns Pothos' reference to
 * the type, to which anything unusual is added with `builder.prismaObjectFields`.
 */
export function model<Name extends ModelName>(name: Name, descriptor: ModelDescriptor<Name>) {
  const lookup = name.charAt(0).toLowerCase() + name.slice(1);
  const general = descriptor as unknown as ModelDescriptor<ModelName>;
  models.set(name, { name, lookup, descriptor: general });
  const ref = defineType(name, general);
  const columns = descriptor.columns;
  // What a list is filtered or ordered by can be found out.
  const comparable = columns.filter((column) => !isGuarded(name, column));
  implementFilter(name, comparable, [...(descriptor.one ?? []), ...(descriptor.many ?? [])]);
  implementConnection(name, comparable, ref as unknown as ObjectRef<Types, unknown>);
  defineQueries(name, lookup, descriptor.root);
  defineSubscription(name, lookup, columns);
  if (descriptor.writes) {
    const plural = descriptor.root.charAt(0).toUpperCase() + descriptor.root.slice(1);
    defineMutations({ model: name, lookup, plural }, columns, descriptor.writes, settableOf);
  }
  return ref;
}

/** The columns of a model that clients set when they create a row. */
function settableOf(name: string): readonly string[] {
  const { columns = [], writes } = models.get(name)?.descriptor ?? {};
  return settableColumns(columns, writes?.readOnly);
}

// Pothos types its options for a model known at compile time, where this one is any of them; the
// descriptor's own types have refused unknown columns and relations before it comes to this.
type AnyModel = 'Workspace';

function defineType<Name extends ModelName>(
  name: Name,
  descriptor: ModelDescriptor<ModelName>,
): PrismaObjectRef<Types, PrismaModelTypes & PrismaTypes[Name], { id: string }> {
  const ref = builder.prismaNode(name as AnyModel, {
    ...described(modelOf(name).documentation),
    id: { field: 'id' },
    select: { id: true },
    fields: (t) => {
      const fields = t as never;
      const many = (descriptor.many ?? []).map((relation: string) => [
        relation,
        relatedConnection(fields, name, relation),
      ]);
      return {
        ...columnFields(fields, name, descriptor.columns),
        ...relationFields(fields, name, descriptor.one ?? []),
        ...Object.fromEntries(many),
        ...linkFields(fields, name, descriptor as never),
        ...stateMachineFields(fields, name, descriptor.stateMachine),
        ...historyFields(fields, name, descriptor.columns),
      };
    },
  });
  return ref as never;
}
