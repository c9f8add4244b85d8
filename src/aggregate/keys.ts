import type { Column } from '../generated/catalog.ts';
import type { GroupKey } from './description.ts';
import { anonymous } from './kinds.ts';

/** Returns the type of a key's values. */
export function keyColumn({ column, grouping }: GroupKey): Column {
  if (grouping.kind === 'part') return anonymous('Int');
  return { ...column, isList: false, isRequired: false };
}
