import type { ObjectRef } from '@pothos/core';
import type { Group } from '../../aggregate/group.ts';
import type { Measure, Statistic } from '../../resolvers/measure.ts';
import { statisticNamed } from '../../resolvers/read-measures.ts';
import {
  anonymous,
  PERCENTILES,
  STATISTICS,
  type StatisticKind,
} from '../../resolvers/statistic-kinds.ts';
import { builder, type Types } from '../builder.ts';
import { priced } from '../cost/price.ts';
import { weights } from '../cost/weights.ts';
import { type AnyInput, anyFields, inputType } from '../model/any-model.ts';
import { columnType } from '../model/columns.ts';
import { columnFilter } from '../model/inputs.ts';

/** A group's rows, or those that they are compared with. */
export interface GroupView {
  group: Group;
  isPrevious: boolean;
}

/** Values of a group's rows, of which there are statistics. */
export interface ValuesView extends GroupView {
  measureOf: (statistic: Statistic) => Measure;
}

const DESCRIPTIONS: Record<string, string> = {
  stddev: 'The standard deviation of a sample; null for a single value.',
  share: 'How many of the values are true, from 0 to 1.',
  p50: 'The median.',
  percentile: 'Half of the values are below percentile(at: 0.5), the median.',
};

const outputs = new Map<StatisticKind, ObjectRef<Types, ValuesView>>();

/** The statistics of values of a kind. */
export function statisticsType(kind: StatisticKind): ObjectRef<Types, ValuesView> {
  const known = outputs.get(kind);
  if (known) return known;
  const ref = builder.objectRef<ValuesView>(`${kind}Statistics`);
  outputs.set(kind, ref);
  const { percentile, ...plain } = STATISTICS[kind];
  ref.implement({
    description: 'Of the values of a group; null where there are none.',
    fields: (fields) => {
      const t = anyFields<ValuesView>(fields);
      const named = [
        ...Object.entries(plain),
        ...(percentile ? Object.keys(PERCENTILES).map((name) => [name, percentile] as const) : []),
      ];
      const all = named.map(([name, column]) => [
        name,
        t.field({
          type: columnType(name, column),
          ...(DESCRIPTIONS[name] ? { description: DESCRIPTIONS[name] } : {}),
          // Postgres sorts all values for it.
          ...(name in PERCENTILES ? priced({ once: weights.scan }) : {}),
          resolve: (view) => statisticOf(view, statisticNamed(name)),
        }),
      ]);
      if (!percentile) return Object.fromEntries(all);
      const any = t.field({
        type: columnType('percentile', percentile),
        description: DESCRIPTIONS.percentile as string,
        args: { at: t.arg({ type: 'Float', required: true }) },
        ...priced({ once: weights.scan }),
        resolve: (view, { at }: { at: number }) =>
          statisticOf(view, statisticNamed('percentile', at)),
      });
      return Object.fromEntries([...all, ['percentile', any]]);
    },
  });
  return ref;
}

function statisticOf({ group, isPrevious, measureOf }: ValuesView, statistic: Statistic): unknown {
  return group.value(measureOf(statistic), isPrevious);
}

const inputs = new Map<StatisticKind, AnyInput>();

/** Conditions on the statistics of values of a kind. */
export function statisticsHaving(kind: StatisticKind): AnyInput {
  let input = inputs.get(kind);
  if (!input) {
    const { percentile, ...plain } = STATISTICS[kind];
    input = inputType(`${kind}Having`, {
      description: 'Conditions on statistics; all of them must hold.',
      fields: (t) => {
        const named = [
          ...Object.entries(plain),
          ...(percentile
            ? Object.keys(PERCENTILES).map((name) => [name, percentile] as const)
            : []),
        ];
        return Object.fromEntries(
          named.map(([name, column]) => [name, t.field({ type: columnFilter(name, column) })]),
        );
      },
    });
    inputs.set(kind, input);
  }
  return input;
}

/** Conditions on how many there are. */
export function countCondition(): AnyInput {
  return columnFilter('count', { ...anonymous('Int'), isRequired: true });
}
