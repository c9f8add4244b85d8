import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import {
  type AggregateArguments,
  RELATED_GROUPS,
  ROOT_GROUPS,
  readAggregate,
  type SelectedMeasure,
} from '../../aggregate/read-aggregate.ts';
import {
  type AggregateResult,
  loadAggregate,
  runAggregate,
} from '../../aggregate/run-aggregate.ts';
import type { DescribedModel, Link } from '../../models/descriptor.ts';
import { relationsOf } from '../../models/index.ts';
import { readable } from '../../read/readable.ts';
import { selectedMeasures } from '../../read/selected-measures.ts';
import { columnOf, relationOf } from '../../resolvers/catalog.ts';
import { countKey } from '../../resolvers/loaders.ts';
import { builder, type Types } from '../builder.ts';
import { aggregatePrice, relatedAggregatePrice } from '../cost/aggregates.ts';
import { priced } from '../cost/price.ts';
import { type AnyArguments, type AnyFields, anyFields } from '../model/any-model.ts';
import { filterInput } from '../model/inputs.ts';
import { defineGroupInputs, type GroupInputs, groupByInput } from './group-inputs.ts';
import { defineGroupTypes } from './group-types.ts';

interface Defined {
  type: ObjectRef<Types, AggregateResult>;
  inputs: GroupInputs;
}

const defined = new Map<string, Defined>();

/** Gives a model aggregates: the field of Query, and what those of related rows consist of. */
export function defineAggregate(described: DescribedModel, comparable: readonly string[]): void {
  const { name: model, root } = described;
  const relations = relationsOf(described).one.filter(
    (name) => relationOf(model, name).columns.length > 0,
  );
  const references = referencesOf(described, comparable);
  const inputs = defineGroupInputs(model, comparable, relations);
  const type = defineGroupTypes({ model, columns: comparable, relations, references });
  defined.set(model, { type, inputs });
  builder.queryField(`${root}Aggregate`, (fields) => {
    const t = anyFields(fields);
    return t.field({
      ...optionsOf(model, t.arg),
      description: `Groups of the rows of ${root}, with their counts and statistics.`,
      extensions: {
        ...priced(aggregatePrice(model)).extensions,
        ...readable({ kind: 'aggregate', model, relation: null }),
      },
      resolve: (_root, args: AggregateArguments, context, info) =>
        runAggregate(context, readAggregate(model, args, measuresOf(info), ROOT_GROUPS)),
    });
  });
}

/** The field with aggregates of the rows that a to-many relation leads to. */
export function relatedAggregate(t: AnyFields, model: string, relation: string) {
  const { to } = relationOf(model, relation);
  const key = countKey(model, relation).references;
  return t.field({
    ...optionsOf(to, t.arg),
    extensions: {
      ...priced(relatedAggregatePrice(model, to)).extensions,
      ...readable({ kind: 'aggregate', model: to, relation }),
    },
    select: Object.fromEntries(key.map((column) => [column, true])),
    resolve: (parent, args: AggregateArguments, context, info) => {
      const aggregate = readAggregate(to, args, measuresOf(info), RELATED_GROUPS);
      return loadAggregate(context, model, relation, aggregate, parent);
    },
  });
}

function measuresOf(info: GraphQLResolveInfo): SelectedMeasure[] {
  const { schema, fragments, variableValues: variables, returnType, fieldNodes } = info;
  const reading = { schema, fragments: new Map(Object.entries(fragments)), variables };
  return selectedMeasures(reading, returnType, fieldNodes);
}

function optionsOf(model: string, arg: AnyArguments) {
  const found = defined.get(model);
  if (!found) throw new TypeError(`${model} has no aggregates: define it with model() first`);
  const { type, inputs } = found;
  return {
    type,
    nullable: true,
    args: {
      filter: arg({ type: filterInput(model) }),
      groupBy: arg({ type: [groupByInput(model)] }),
      having: arg({ type: inputs.having }),
      orderBy: arg({ type: [inputs.orderBy] }),
      partitionBy: arg({ type: [groupByInput(model)] }),
      first: arg.int(),
      offset: arg.int(),
      totals: arg.boolean(),
      compareTo: arg({ type: inputs.compareTo }),
    },
  };
}

/** The fields by which a row shows the rows that its columns refer to, where these can be keys. */
function referencesOf(described: DescribedModel, comparable: readonly string[]) {
  const { name: model, links = {} } = described;
  const { one, people } = relationsOf(described);
  const found: Record<string, Link> = {};
  for (const name of [...one, ...people]) {
    const { to, columns, references } = relationOf(model, name);
    const at = columns.findIndex((column) => column !== 'workspaceId' || columns.length === 1);
    const [column, by] = [columns[at], references[at]];
    if (!column || !by || !comparable.includes(column)) continue;
    found[name] = to === 'AuthUser' ? { column, to: 'UserProfile' } : { column, to, by };
  }
  for (const [name, link] of Object.entries(links)) {
    if (!columnOf(model, link.column).isList) found[name] = link;
  }
  return found;
}
