import type { ImplementableObjectRef, ObjectRef } from '@pothos/core';
import type { Group } from '../../aggregate/group.ts';
import type { AggregateResult } from '../../aggregate/run-aggregate.ts';
import type { Link } from '../../models/descriptor.ts';
import { readable } from '../../read/readable.ts';
import { columnOf, relationOf } from '../../resolvers/catalog.ts';
import type { Input } from '../../resolvers/conditions.ts';
import { loadRow } from '../../resolvers/loaders.ts';
import type { Measure } from '../../resolvers/measure.ts';
import { isOrderable } from '../../resolvers/ordering.ts';
import { statisticKind } from '../../resolvers/statistic-kinds.ts';
import { builder, type Types } from '../builder.ts';
import { countPrice } from '../cost/aggregates.ts';
import { priced } from '../cost/price.ts';
import { foundRow } from '../cost/row-prices.ts';
import { weights } from '../cost/weights.ts';
import { type AnyFields, anyFields, rowRef } from '../model/any-model.ts';
import { columnType } from '../model/columns.ts';
import { filterInput, orderField } from '../model/inputs.ts';
import { selectionOf } from '../model/links.ts';
import { type GroupView, statisticsType, type ValuesView } from './statistics.ts';

/** The keys of a group, or those of them that are of the row of a relation. */
interface KeyView {
  group: Group;
  relation: string | null;
}

/** The parts of a model that its groups show. */
export interface GroupedModel {
  model: string;
  columns: readonly string[];
  /** To-one relations whose columns can be keys. */
  relations: readonly string[];
  /** Keys that refer to a row, by the names of their fields. */
  references: Readonly<Record<string, Link>>;
}

const keys = new Map<string, ImplementableObjectRef<Types, KeyView>>();

function keyRef(model: string): ImplementableObjectRef<Types, KeyView> {
  const ref = keys.get(model) ?? builder.objectRef<KeyView>(`${model}GroupKey`);
  keys.set(model, ref);
  return ref;
}

/** Defines what a model's aggregates show, and returns the type of their results. */
export function defineGroupTypes(grouped: GroupedModel): ObjectRef<Types, AggregateResult> {
  const { model } = grouped;
  defineKey(grouped);
  const group = defineGroup(grouped);
  const aggregate = builder.objectRef<AggregateResult>(`${model}Aggregate`);
  aggregate.implement({
    description: 'Groups of rows.',
    fields: (fields) => {
      const t = anyFields<AggregateResult>(fields);
      return {
        groups: t.field({
          type: [group],
          nullable: false,
          description: 'Totals come last.',
          resolve: ({ groups }) =>
            groups.map((each): GroupView => ({ group: each, isPrevious: false })),
        }),
        totalGroups: t.field({
          type: 'Int',
          nullable: false,
          description: 'How many groups there are on all pages, totals left out.',
          resolve: ({ totalGroups }) => totalGroups,
        }),
      };
    },
  });
  return aggregate;
}

function defineGroup({ model, columns }: GroupedModel): ObjectRef<Types, GroupView> {
  const ref = builder.objectRef<GroupView>(`${model}Group`);
  const distinct = distinctType(model, columns);
  const values = valuesType(model, columns);
  ref.implement({
    description: 'Rows that have their keys in common.',
    fields: (fields) => {
      const t = anyFields<GroupView>(fields);
      return {
        key: t.field({
          type: keyRef(model),
          nullable: false,
          resolve: ({ group }): KeyView => ({ group, relation: null }),
        }),
        keyCount: t.field({
          type: 'Int',
          nullable: false,
          description: 'How many of the keys, from the first: fewer for totals.',
          resolve: ({ group }) => group.keyCount,
        }),
        isTotal: t.field({
          type: 'Boolean',
          nullable: false,
          resolve: ({ group }) => group.isTotal,
        }),
        count: t.field({
          type: 'Int',
          nullable: false,
          description: 'How many rows there are, or match the filter.',
          args: { filter: t.arg({ type: filterInput(model) }) },
          ...priced(countPrice(model)),
          resolve: ({ group, isPrevious }, { filter }: { filter?: Input | null }) =>
            group.value({ kind: 'count', filter: filter ?? null }, isPrevious),
        }),
        distinct: t.field({ type: distinct, nullable: false, resolve: (view) => view }),
        values: t.field({ type: values, nullable: false, resolve: (view) => view }),
        between: t.field({
          type: statisticsType('Float'),
          nullable: false,
          description: 'Of the seconds from one moment to another.',
          args: {
            from: t.arg({ type: orderField(model), required: true }),
            to: t.arg({ type: orderField(model), required: true }),
          },
          resolve: (view, { from, to }: { from: string; to: string }): ValuesView => ({
            ...view,
            measureOf: (statistic) => ({ kind: 'between', from, to, statistic }),
          }),
        }),
        previous: t.field({
          type: ref,
          description: 'The rows that compareTo names.',
          resolve: ({ group }): GroupView => ({ group, isPrevious: true }),
        }),
      };
    },
  });
  return ref;
}

function distinctType(model: string, columns: readonly string[]): ObjectRef<Types, GroupView> {
  const ref = builder.objectRef<GroupView>(`${model}GroupDistinct`);
  const able = columns.filter((name) => isOrderable(columnOf(model, name)));
  ref.implement({
    description: 'How many values there are in a group.',
    fields: (fields) => {
      const t = anyFields<GroupView>(fields);
      return Object.fromEntries(
        able.map((column) => [
          column,
          t.field({
            type: 'Int',
            nullable: false,
            // Postgres sorts all values for it.
            ...priced({ once: weights.scan }),
            resolve: ({ group, isPrevious }) =>
              group.value({ kind: 'distinct', column }, isPrevious),
          }),
        ]),
      );
    },
  });
  return ref;
}

function valuesType(model: string, columns: readonly string[]): ObjectRef<Types, GroupView> {
  const ref = builder.objectRef<GroupView>(`${model}GroupValues`);
  ref.implement({
    description: 'Statistics of the columns in a group.',
    fields: (fields) => {
      const t = anyFields<GroupView>(fields);
      return Object.fromEntries(
        columns.flatMap((column) => {
          const kind = statisticKind(columnOf(model, column));
          if (!kind) return [];
          const field = t.field({
            type: statisticsType(kind),
            nullable: false,
            resolve: (view): ValuesView => ({
              ...view,
              measureOf: (statistic): Measure => ({ kind: 'statistic', column, statistic }),
            }),
          });
          return [[column, field]];
        }),
      );
    },
  });
  return ref;
}

function defineKey({ model, columns, relations, references }: GroupedModel): void {
  keyRef(model).implement({
    description:
      'What the rows of a group have in common: null for a missing value, and in totals.',
    fields: (fields) => {
      const t = anyFields<KeyView>(fields);
      return {
        ...Object.fromEntries(columns.map((name) => [name, columnKey(t, model, name)])),
        ...Object.fromEntries(
          Object.entries(references).map(([name, link]) => [name, referredRow(t, link)]),
        ),
        ...Object.fromEntries(relations.map((name) => [`${name}Key`, relatedKey(t, model, name)])),
        part: t.field({
          type: 'Int',
          description: 'The part of a moment.',
          args: { of: t.arg({ type: orderField(model), required: true }) },
          resolve: ({ group, relation }, { of }: { of: string }) => group.key(relation, of, true),
        }),
      };
    },
  });
}

function columnKey(t: AnyFields<KeyView>, model: string, name: string) {
  return t.field({
    type: columnType(name, columnOf(model, name)),
    extensions: readable({ kind: 'column', column: name }),
    resolve: ({ group, relation }) => group.key(relation, name),
  });
}

function relatedKey(t: AnyFields<KeyView>, model: string, name: string) {
  return t.field({
    type: keyRef(relationOf(model, name).to),
    nullable: false,
    extensions: readable({ kind: 'keyOfRelation', relation: name }),
    resolve: ({ group, relation }): KeyView => ({
      group,
      relation: relation === null ? name : `${relation}.${name}`,
    }),
  });
}

function referredRow(t: AnyFields<KeyView>, link: Link) {
  const { column, to, by = 'id' } = link;
  return t.field({
    type: rowRef(to),
    nullable: true,
    extensions: { ...priced(foundRow).extensions, ...readable({ kind: 'link', link }) },
    resolve: ({ group, relation }, _args, context, info) => {
      const value = group.key(relation, column);
      return value == null ? null : loadRow(context, to, by, value, selectionOf(context, info, to));
    },
  });
}
