import type { DescribedModel } from '../../models/descriptor.ts';
import { models, relationsOf } from '../../models/index.ts';
import { modelOf } from '../../resolvers/catalog.ts';
import { isGuarded } from '../../resolvers/secrets.ts';
import { defineAggregate, relatedAggregate } from '../aggregate/aggregate-fields.ts';
import { builder } from '../builder.ts';
import { anyFields, anyModel } from './any-model.ts';
import { implementConnection } from './connection.ts';
import { columnFields, described, relationFields } from './fields.ts';
import { historyFields } from './history-fields.ts';
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
 * and its mutations.
 */
export function defineModel(model: DescribedModel): void {
  const { name, lookup, root, columns, writes } = model;
  const { one, many } = relationsOf(model);
  defineType(model);
  // A filter or an order would reveal the values of these columns.
  const comparable = columns.filter((column) => !isGuarded(name, column));
  implementFilter(name, comparable, [...one, ...many]);
  implementConnection(name, { columns: comparable, relations: [...one, ...many] });
  defineQueries(name, lookup, root);
  defineAggregate(model, comparable);
  defineSubscription(name, lookup, columns);
  if (writes) {
    const plural = root.charAt(0).toUpperCase() + root.slice(1);
    defineMutations({ model: name, lookup, plural }, columns, writes, settableOf);
  }
}

/** The columns of a model that clients set when they create a row. */
function settableOf(name: string): readonly string[] {
  const { columns = [], writes } = models.get(name) ?? {};
  return settableColumns(columns, writes?.readOnly);
}

function defineType(model: DescribedModel): void {
  const { name, columns, links = {} } = model;
  const { one, many, people } = relationsOf(model);
  builder.prismaNode(anyModel(name), {
    ...described(modelOf(name).documentation),
    id: { field: 'id' },
    select: { id: true },
    fields: (t) => {
      const fields = anyFields(t);
      const lists = many.flatMap((relation) => [
        [relation, relatedConnection(fields, name, relation)],
        [`${relation}Aggregate`, relatedAggregate(fields, name, relation)],
      ]);
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
