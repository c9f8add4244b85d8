import type { ObjectRef } from '@pothos/core';
import type { DescribedModel } from '../../models/descriptor.ts';
import { models, relationsOf } from '../../models/index.ts';
import { modelOf } from '../../resolvers/catalog.ts';
import { isGuarded } from '../../resolvers/secrets.ts';
import { builder, type Types } from '../builder.ts';
import { implementConnection } from './connection.ts';
import { columnFields, described, relationFields } from './fields.ts';
import { historyFields } from './history.ts';
import { implementFilter } from './inputs.ts';
import { linkFields } from './links.ts';
import { defineMutations } from './mutations.ts';
import { defineQueries } from './queries.ts';
import { relatedConnection } from './related-connection.ts';
import { stateMachineFields } from './state-machine.ts';
import { defineSubscription } from './subscriptions.ts';
import { settableColumns } from './write-inputs.ts';

/**
 * Defines the GraphQL type of a table, its look-up by id, its list, the subscription to its changes
 * and its mutations. Returns Pothos' reference to the type.
 */
export function defineModel(model: DescribedModel) {
  const { name, lookup, root, columns, writes } = model;
  const { one, many } = relationsOf(model);
  const ref = defineType(model);
  // What a list is filtered or ordered by can be found out.
  const comparable = columns.filter((column) => !isGuarded(name, column));
  implementFilter(name, comparable, [...one, ...many]);
  implementConnection(name, comparable, ref as unknown as ObjectRef<Types, unknown>);
  defineQueries(name, lookup, root);
  defineSubscription(name, lookup, columns);
  if (writes) {
    const plural = root.charAt(0).toUpperCase() + root.slice(1);
    defineMutations({ model: name, lookup, plural }, columns, writes, settableOf);
  }
  return ref;
}

/** The columns of a model that clients set when they create a row. */
function settableOf(name: string): readonly string[] {
  const { columns = [], writes } = models.get(name) ?? {};
  return settableColumns(columns, writes?.readOnly);
}

// Pothos types its options for a model known at compile time, where this one is any of them; the
// descriptor's own types have refused unknown columns and relations before it comes to this.
type AnyModel = 'Workspace';

function defineType(model: DescribedModel) {
  const { name, columns, links = {} } = model;
  const { one, many, people } = relationsOf(model);
  return builder.prismaNode(name as AnyModel, {
    ...described(modelOf(name).documentation),
    id: { field: 'id' },
    select: { id: true },
    fields: (t) => {
      const fields = t as never;
      const lists = many.map((relation) => [relation, relatedConnection(fields, name, relation)]);
      return {
        ...columnFields(fields, name, columns),
        ...relationFields(fields, name, one),
        ...Object.fromEntries(lists),
        ...linkFields(fields, name, { links, people }),
        ...stateMachineFields(fields, name, model.stateMachine),
        ...historyFields(fields, name, columns),
      };
    },
  });
}
