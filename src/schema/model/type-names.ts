import { STATISTICS } from '../../resolvers/statistic-kinds.ts';

/** What the names of types that are made for a model end in. */
const SUFFIX =
  /(Connection|Edge|Change|RowOrder|(Relation)?Filter|Aggregate|CompareTo|Group(Key|Distinct|Values|By|OrderBy)?|Having(Values|Distinct|Between)?)$/;

/** Returns the name of the model that a type is made for; that of the type, if it is made for none. */
export function modelNamed(type: string): string {
  return type.replace(SUFFIX, '');
}

/** Whether a type shows statistics of values, which may be of any model. */
export function isStatistics(type: string): boolean {
  return Object.keys(STATISTICS).some((kind) => type === `${kind}Statistics`);
}
