import type { Column } from '../../generated/catalog.ts';
import { columnOf, relationOf } from '../../resolvers/catalog.ts';
import { ORDERING_STATISTICS, statisticKind } from '../../resolvers/statistic-kinds.ts';
import { builder } from '../builder.ts';
import { type AnyInput, inputRef, inputType } from '../model/any-model.ts';
import {
  direction,
  filterInput,
  groupOrderByInput,
  havingInput,
  nulls,
  orderField,
} from '../model/inputs.ts';
import { countCondition, statisticsHaving } from './statistics.ts';

const MomentBucket = builder.enumType('MomentBucket', {
  description: 'A span of time. Groups have the moment, or the day, at which it begins.',
  values: {
    HOUR: { value: 'hour' },
    DAY: { value: 'day' },
    WEEK: { value: 'week' },
    MONTH: { value: 'month' },
    QUARTER: { value: 'quarter' },
    YEAR: { value: 'year' },
  } as const,
});

const MomentPart = builder.enumType('MomentPart', {
  description: 'A part of a moment, which groups have as a number: "part" of their key.',
  values: {
    HOUR_OF_DAY: { value: 'hour', description: 'From 0 to 23.' },
    DAY_OF_WEEK: { value: 'isodow', description: 'From 1, Monday, to 7, Sunday.' },
    MONTH_OF_YEAR: { value: 'month', description: 'From 1 to 12.' },
  } as const,
});

const Weekday = builder.enumType('Weekday', {
  description: 'A day of the week.',
  values: {
    MONDAY: { value: 1 },
    TUESDAY: { value: 2 },
    WEDNESDAY: { value: 3 },
    THURSDAY: { value: 4 },
    FRIDAY: { value: 5 },
    SATURDAY: { value: 6 },
    SUNDAY: { value: 7 },
  } as const,
});

const FILL = 'Adds groups for values that no row has: those of an enumeration, or of a Boolean.';

const ValueGrouping = inputType('ValueGrouping', {
  description: 'Rows with equal values are a group.',
  fields: (t) => ({ fill: t.field({ type: 'Boolean', description: FILL }) }),
});

const MomentGrouping = inputType('MomentGrouping', {
  description: 'Rows of the same moment are a group, or those of the same span or part of time.',
  fields: (t) => ({
    bucket: t.field({ type: MomentBucket }),
    part: t.field({ type: MomentPart }),
    timeZone: t.field({ type: 'String', description: 'Such as "Asia/Kolkata". Default: UTC.' }),
    weekStart: t.field({ type: Weekday, description: 'Default: Monday.' }),
    fill: t.field({
      type: 'Boolean',
      description:
        'Adds groups for buckets without rows, from where the filter of this column begins to where it ends, or from the first to the last bucket with rows.',
    }),
  }),
});

const NumberGrouping = inputType('NumberGrouping', {
  description: 'Rows with equal numbers are a group, or those within a step.',
  fields: (t) => ({
    width: t.field({
      type: 'Decimal',
      description: 'The width of a step. Groups have the number at which it begins.',
    }),
    fill: t.field({ type: 'Boolean', description: 'Adds groups for steps without rows.' }),
  }),
});

const ListGrouping = inputType('ListGrouping', {
  description: 'A row counts for each item of its list.',
  fields: (t) => ({ items: t.field({ type: 'Boolean', description: 'True.' }) }),
});

const JSONGrouping = inputType('JSONGrouping', {
  description: 'Rows with equal values at a path are a group.',
  fields: (t) => ({
    path: t.field({
      type: ['String'],
      description: 'Names of keys, and positions in arrays as numbers in strings.',
    }),
  }),
});

function groupingOf(column: Column): AnyInput {
  if (column.isList) return ListGrouping;
  if (column.type === 'Json') return JSONGrouping;
  if (column.type === 'DateTime') return MomentGrouping;
  const isNumber = ['Int', 'BigInt', 'Decimal', 'Float'].includes(column.type);
  return isNumber && column.kind !== 'enum' ? NumberGrouping : ValueGrouping;
}

/** A key of groups over a model's rows. */
export function groupByInput(model: string): AnyInput {
  return inputRef(`${model}GroupBy`);
}

/** The inputs of a model's aggregates. */
export interface GroupInputs {
  having: AnyInput;
  orderBy: AnyInput;
  compareTo: AnyInput;
}

/** Defines the inputs of a model's aggregates, over the columns and relations that it can compare. */
export function defineGroupInputs(
  model: string,
  columns: readonly string[],
  relations: readonly string[],
): GroupInputs {
  inputType(groupByInput(model), {
    description: 'A key of groups. Relations reach one step far.',
    isOneOf: true,
    fields: (t) => ({
      ...Object.fromEntries(
        columns.map((name) => [name, t.field({ type: groupingOf(columnOf(model, name)) })]),
      ),
      ...Object.fromEntries(
        relations.map((name) => [
          name,
          t.field({ type: groupByInput(relationOf(model, name).to) }),
        ]),
      ),
    }),
  });
  return {
    having: defineHaving(model, columns),
    orderBy: groupOrderBy(model),
    compareTo: inputType(`${model}CompareTo`, {
      description: 'The rows that the filter finds when it is moved back by a span of time.',
      fields: (t) => ({
        column: t.field({ type: orderField(model), required: true }),
        shift: t.field({ type: 'String', required: true, description: 'Such as "P1M".' }),
        timeZone: t.field({ type: 'String' }),
      }),
    }),
  };
}

const GroupStatistic = builder.enumType('GroupStatistic', {
  description: 'What groups can be ordered by, of a column.',
  values: Object.fromEntries(
    ORDERING_STATISTICS.map((name) => [
      name.toUpperCase(),
      {
        value: name,
        ...(name === 'percentile'
          ? { description: 'The one "at" a number: 0.5 is the median.' }
          : {}),
      },
    ]),
  ),
});

function groupOrderBy(model: string): AnyInput {
  const field = orderField(model);
  return inputType(groupOrderByInput(model), {
    description:
      'Orders groups by one key or measure, with ties broken by the keys; or other rows by a measure of these.',
    fields: (t) => ({
      count: t.field({ type: direction }),
      filter: t.field({ type: filterInput(model), description: 'Which rows count.' }),
      key: t.field({ type: groupByInput(model), description: 'Such as { status: {} }.' }),
      statistic: t.field({ type: GroupStatistic, description: 'Of a column.' }),
      of: t.field({ type: field }),
      until: t.field({ type: field, description: 'Of the seconds until this moment.' }),
      at: t.field({ type: 'Float' }),
      direction: t.field({ type: direction, defaultValue: 'asc' }),
      nulls: t.field({ type: nulls, defaultValue: 'last' }),
    }),
  });
}

function defineHaving(model: string, columns: readonly string[]): AnyInput {
  const having = havingInput(model);
  const field = orderField(model);
  const values = columns.flatMap((name) => {
    const kind = statisticKind(columnOf(model, name));
    return kind ? [[name, kind] as const] : [];
  });
  const ofValues = inputType(`${model}HavingValues`, {
    description: 'Conditions on statistics of columns.',
    fields: (t) =>
      Object.fromEntries(
        values.map(([name, kind]) => [name, t.field({ type: statisticsHaving(kind) })]),
      ),
  });
  const distinct = inputType(`${model}HavingDistinct`, {
    description: 'A condition on how many values a column has.',
    fields: (t) => ({
      of: t.field({ type: field, required: true }),
      count: t.field({ type: countCondition(), required: true }),
    }),
  });
  const between = inputType(`${model}HavingBetween`, {
    description: 'Conditions on the time between two moments.',
    fields: (t) => ({
      from: t.field({ type: field, required: true }),
      to: t.field({ type: field, required: true }),
      seconds: t.field({ type: statisticsHaving('Float'), required: true }),
    }),
  });
  return inputType(having, {
    description: 'Conditions on groups, or on all rows of a relation; all of them must hold.',
    fields: (t) => ({
      filter: t.field({ type: filterInput(model), description: 'Which rows count.' }),
      and: t.field({ type: [having] }),
      or: t.field({ type: [having] }),
      not: t.field({ type: having }),
      count: t.field({ type: countCondition() }),
      distinct: t.field({ type: [distinct] }),
      values: t.field({ type: ofValues }),
      between: t.field({ type: [between] }),
    }),
  });
}
