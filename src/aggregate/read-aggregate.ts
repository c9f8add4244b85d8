import { columnOf } from '../resolvers/catalog.ts';
import type { Input } from '../resolvers/conditions.ts';
import { limits } from '../resolvers/limits.ts';
import { type Measure, measureKey } from '../resolvers/measure.ts';
import { readComparisons, readFilter } from '../resolvers/read-filter.ts';
import { type ReadHaving, readHaving } from '../resolvers/read-having.ts';
import { checkMeasure, readMeasureOrder } from '../resolvers/read-measures.ts';
import { refusal } from '../resolvers/refusal.ts';
import type { Aggregate, GroupKey, GroupOrdering, Shift } from './description.ts';
import { keyNumber, readKeys } from './read-keys.ts';
import { ownComparisons } from './rows-text.ts';
import { readDuration, readTimeZone } from './time.ts';

type Maybe<T> = T | null | undefined;

/** What a client asks of an aggregate, as the schema takes it. */
export interface AggregateArguments {
  filter?: Maybe<Input>;
  groupBy?: Maybe<readonly Input[]>;
  having?: Maybe<Input>;
  orderBy?: Maybe<readonly Input[]>;
  partitionBy?: Maybe<readonly Input[]>;
  first?: Maybe<number>;
  offset?: Maybe<number>;
  totals?: Maybe<boolean>;
  compareTo?: Maybe<{ column: string; shift: string; timeZone?: Maybe<string> }>;
}

/** What is selected of groups, and where. */
export interface SelectedMeasure {
  measure: Measure;
  isPrevious: boolean;
  /** Names it, or the field whose arguments it has, in errors. */
  path: string;
  /** Names it alone. */
  name: string;
}

/** How many groups there are where a client does not say how many, and at most. */
export interface GroupBounds {
  usual: number;
  most: number;
}

export const ROOT_GROUPS: GroupBounds = { usual: limits.maxGroups, most: limits.maxGroups };
export const RELATED_GROUPS: GroupBounds = {
  usual: limits.defaultRelatedGroups,
  most: limits.maxGroups,
};
export const EXPORTED_GROUPS: GroupBounds = {
  usual: limits.maxExportedGroups,
  most: limits.maxExportedGroups,
};

/** Returns how many groups a page has. */
export function pageOfGroups(
  { first, groupBy }: AggregateArguments,
  { usual }: GroupBounds,
): number {
  return groupBy?.length ? (first ?? usual) : 1;
}

/** Reads what is asked of the rows of a model. Throws BAD_USER_INPUT with the argument at fault. */
export function readAggregate(
  model: string,
  args: AggregateArguments,
  selected: readonly SelectedMeasure[],
  bounds: GroupBounds,
): Aggregate {
  const filter = readFilter(model, args.filter);
  const keys = readKeys(model, args.groupBy ?? []);
  const { condition: having, compared } = havingOf(model, args.having);
  const orderings = (args.orderBy ?? []).map((each, n) =>
    readOrdering(model, keys, each, `orderBy[${n}]`),
  );
  const partition = (args.partitionBy ?? []).map((each, n) =>
    keyNumber(keys, model, each, `partitionBy[${n}]`),
  );
  const totals = args.totals ?? false;
  const [first, offset] = [pageOfGroups(args, bounds), args.offset ?? 0];
  refusePage(first, offset, bounds);
  refuseOrder(args, orderings, keys);
  refuseUseless(args, keys);
  for (const { measure, path } of selected) {
    if (measure.kind === 'count') readFilter(model, measure.filter);
    checkMeasure(model, measure, path);
  }
  const of = (isPrevious: boolean) => distinctMeasures(selected, isPrevious);
  const aggregate: Aggregate = {
    model,
    filter,
    keys,
    measures: of(false),
    previous: of(true),
    having,
    compared,
    orderings,
    partition: [...new Set(partition)],
    first,
    most: bounds.most,
    offset,
    totals,
    shift: readShift(model, args),
  };
  refuseMeasures(aggregate);
  refuseShift(aggregate, args);
  return aggregate;
}

function havingOf(model: string, given: Maybe<Input>): ReadHaving {
  if (!given) return { condition: null, compared: new Map() };
  return readHaving(model, given, 'having', {
    compare: readComparisons,
    checkFilter: (filter) => readFilter(model, filter),
  });
}

function distinctMeasures(selected: readonly SelectedMeasure[], isPrevious: boolean): Measure[] {
  const found = selected.filter((each) => each.isPrevious === isPrevious);
  return [...new Map(found.map(({ measure }) => [measureKey(measure), measure])).values()];
}

function readOrdering(
  model: string,
  keys: readonly GroupKey[],
  given: Input,
  at: string,
): GroupOrdering {
  const { measure, ...order } = readMeasureOrder(model, given, at);
  const filter = given.filter as Maybe<Input>;
  if (filter && measure?.kind !== 'count') {
    throw refusal(`${at}.filter`, '"filter" goes with "count".');
  }
  if (!measure) return { by: keyNumber(keys, model, given.key as Input, `${at}.key`), ...order };
  if (!filter) return { by: measure, ...order };
  readFilter(model, filter);
  return { by: { kind: 'count', filter }, ...order };
}

function readShift(model: string, { compareTo }: AggregateArguments): Shift | null {
  if (!compareTo) return null;
  const { column, shift, timeZone } = compareTo;
  if (columnOf(model, column).type !== 'DateTime') {
    throw refusal('compareTo.column', `"${column}" is no moment: it cannot be shifted.`);
  }
  return {
    column,
    duration: readDuration(shift, 'compareTo.shift'),
    timeZone: readTimeZone(timeZone ?? 'UTC', 'compareTo.timeZone'),
  };
}

function refusePage(first: number, offset: number, { most }: GroupBounds): void {
  if (first < 0 || first > most) {
    throw refusal('first', `There are at most ${most} groups at once: go on with "offset".`);
  }
  if (offset < 0 || offset > limits.maxGroupOffset) {
    throw refusal('offset', `"offset" is between 0 and ${limits.maxGroupOffset}.`);
  }
}

function refuseOrder(
  { orderBy }: AggregateArguments,
  orderings: readonly GroupOrdering[],
  keys: readonly GroupKey[],
): void {
  if (orderings.length > limits.maxOrderColumns) {
    throw refusal('orderBy', `"orderBy" takes at most ${limits.maxOrderColumns} entries.`);
  }
  if (keys.length === 0 && orderBy?.length) {
    throw refusal('orderBy', 'There is one group only: "orderBy" goes with "groupBy".');
  }
}

function refuseUseless({ having, totals }: AggregateArguments, keys: readonly GroupKey[]): void {
  if (keys.length === 0 && having) {
    throw refusal('having', 'There is one group only: "having" goes with "groupBy".');
  }
  const items = keys.find(({ grouping }) => grouping.kind === 'items');
  if (totals && items) {
    throw refusal(
      'totals',
      `A row counts for each item of "${items.name}", so these groups do not add up.`,
    );
  }
}

function refuseMeasures({ measures, previous, compared, orderings }: Aggregate): void {
  const count = measures.length + previous.length + compared.size + orderings.length;
  if (count > limits.maxMeasures) {
    throw refusal(
      'groups',
      `An aggregate has at most ${limits.maxMeasures} measures; this one has ${count}.`,
    );
  }
}

function refuseShift({ shift, filter, keys, previous }: Aggregate, args: AggregateArguments): void {
  if (!shift) {
    if (previous.length === 0) return;
    throw refusal('compareTo', '"previous" is of the rows that "compareTo" names: give it.');
  }
  const isFiltered = filter && ownComparisons(filter, shift.column).length > 0;
  const isKey = keys.some(({ relation, name }) => relation === null && name === shift.column);
  if (!isFiltered && !isKey && args.compareTo) {
    throw refusal(
      'compareTo.column',
      `Neither "filter" nor "groupBy" says anything of "${shift.column}": the rows would be the same.`,
    );
  }
}
