import type { Column } from '../generated/catalog.ts';
import { measureColumn } from '../resolvers/measure.ts';
import { anonymous } from '../resolvers/statistic-kinds.ts';
import { measureCell } from './cells.ts';
import type { Aggregate, GroupKey } from './description.ts';
import { keyCountOf } from './group.ts';
import { keyColumn } from './keys.ts';
import type { SelectedMeasure } from './read-aggregate.ts';
import { refuseExcess } from './run-aggregate.ts';
import { aggregateStatement } from './statement.ts';

/** The columns of a row of the statement in front of those with keys and measures. */
const LEADING = 4;

/** A column of a table of groups, and where its cell is in a row. */
interface GroupColumn {
  name: string;
  column: Column;
  cellOf(row: readonly unknown[]): unknown;
}

/**
 * Returns the groups of an aggregate as a table: its keys, how many of them totals are of, and what is
 * selected. Each cell is the JSON text of a value as the API shows it.
 */
export function exportedGroups(aggregate: Aggregate, selected: readonly SelectedMeasure[]) {
  const columns = [
    ...aggregate.keys.map((key, n) => atPlace(keyName(key), keyColumn(key), n)),
    ...(aggregate.totals ? [keyCountColumn(aggregate)] : []),
    ...selected.map((each) => measured(aggregate, each)),
  ];
  return {
    statement: aggregateStatement(aggregate, null, 'text'),
    columns: columns.map(({ name, column }) => ({ name, column })),
    /** Returns the cells of the statement's rows. Throws BAD_USER_INPUT for what cannot be filled. */
    cellsOf(rows: readonly unknown[][]): unknown[][] {
      return rows.flatMap((row) => {
        const [, , isShown, excess] = row;
        refuseExcess(aggregate, Number(excess));
        return isShown ? [columns.map(({ cellOf }) => cellOf(row))] : [];
      });
    },
  };
}

function atPlace(name: string, column: Column, place: number): GroupColumn {
  return { name, column, cellOf: (row) => row[LEADING + place] };
}

function keyName({ relation, name, grouping }: GroupKey): string {
  const parts = [relation, name, grouping.kind === 'part' ? 'part' : null];
  return parts.filter((part) => part !== null).join('.');
}

function keyCountColumn(aggregate: Aggregate): GroupColumn {
  return {
    name: 'keyCount',
    column: anonymous('Int'),
    cellOf: ([rolled]) => String(keyCountOf(aggregate, Number(rolled))),
  };
}

function measured(
  aggregate: Aggregate,
  { measure, isPrevious, name }: SelectedMeasure,
): GroupColumn {
  const place = measureCell(aggregate, measure, isPrevious);
  return atPlace(name, measureColumn(aggregate.model, measure), place);
}
