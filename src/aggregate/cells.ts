import { type Measure, measureKey } from '../resolvers/measure.ts';
import type { Aggregate } from './description.ts';
import { keyIdentity } from './read-keys.ts';

/** A key by what it is made of. */
export interface KeyName {
  relation: string | null;
  name: string;
  isPart: boolean;
}

/** Returns the number of the cell with a key, -1 if it is no key of the groups. */
export function keyCell({ keys }: Aggregate, { relation, name, isPart }: KeyName): number {
  const identity = keyIdentity(relation, name, isPart);
  return keys.findIndex(
    (key) => keyIdentity(key.relation, key.name, key.grouping.kind === 'part') === identity,
  );
}

/** Returns the number of the cell with a measure of the rows, or of those that they are compared with. */
export function measureCell(
  { keys, measures, previous }: Aggregate,
  measure: Measure,
  isPrevious: boolean,
): number {
  const name = measureKey(measure);
  const n = (isPrevious ? previous : measures).findIndex((each) => measureKey(each) === name);
  if (n < 0) throw new TypeError(`The statement has no ${name}`);
  return keys.length + (isPrevious ? measures.length : 0) + n;
}
