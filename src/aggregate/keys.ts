import type { Column } from '../generated/catalog.ts';
import { anonymous } from '../resolvers/statistic-kinds.ts';
import type { GroupKey } from './description.ts';

/** Returns the type of a key's values. */
export function keyColumn({ column, grouping }: GroupKey): Column {
  if (grouping.kind === 'part') return anonymous('Int');
  return { ...column, isList: false, isRequired: false };
}
