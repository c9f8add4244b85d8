import type { Column } from '../generated/catalog.ts';
import type { Condition } from '../resolvers/conditions.ts';
import type { Measure } from '../resolvers/measure.ts';
import type { Ordering } from '../resolvers/ordering.ts';

export type MomentUnit = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';
/** As EXTRACT names them. */
export type MomentPart = 'hour' | 'isodow' | 'month';

/** What of a column's value groups have in common. */
export type Grouping =
  | { kind: 'value' }
  /** The moment or day at which a span of time begins; `weekStart` is 1 for Monday to 7 for Sunday. */
  | { kind: 'bucket'; unit: MomentUnit; timeZone: string; weekStart: number }
  | { kind: 'part'; part: MomentPart; timeZone: string }
  /** The number at which a step of this width begins. */
  | { kind: 'step'; width: string }
  /** Each item of a list. */
  | { kind: 'items' }
  /** The value at a path into JSON. */
  | { kind: 'path'; path: readonly string[] };

/** A key of groups. */
export interface GroupKey {
  /** The to-one relation whose row has the column; null for the model's own. */
  relation: string | null;
  /** The model that has the column. */
  model: string;
  name: string;
  column: Column;
  grouping: Grouping;
  /** Whether keys that no row has are added. */
  fill: boolean;
  /** The argument that asks for it. */
  argument: string;
}

/** One term of the order of groups: a key by its number, or a measure. */
export interface GroupOrdering extends Pick<Ordering, 'direction' | 'nulls'> {
  by: number | Measure;
}

/** The rows to compare with: those that the filter finds with this column's values moved back. */
export interface Shift {
  column: string;
  /** An ISO 8601 duration. */
  duration: string;
  timeZone: string;
}

/** What is asked of the rows of a model. */
export interface Aggregate {
  model: string;
  filter: Condition | null;
  keys: readonly GroupKey[];
  measures: readonly Measure[];
  /** The measures of the rows that each group is compared with. */
  previous: readonly Measure[];
  /** Which groups are shown; its comparisons are named by `measureKey`. */
  having: Condition | null;
  /** The measures that `having` compares, by the same names. */
  compared: ReadonlyMap<string, Measure>;
  orderings: readonly GroupOrdering[];
  /** Keys, by their numbers, for each of whose values there are `first` groups. */
  partition: readonly number[];
  first: number;
  /** Groups at once, those of all partitions together. */
  most: number;
  offset: number;
  totals: boolean;
  shift: Shift | null;
}
