import type { Context } from '../context/context.ts';
import { databaseError } from '../context/database/database-errors.ts';
import { loader, nameOf } from '../resolvers/loaders.ts';
import { refusal } from '../resolvers/refusal.ts';
import { type Row, requireScope } from '../resolvers/rows.ts';
import { relationKey } from '../sql/relation.ts';
import type { Aggregate } from './description.ts';
import { MOST_FILLED } from './fill-text.ts';
import { emptyGroup, Group } from './group.ts';
import type { ParentValues } from './rows-text.ts';
import { aggregateStatement } from './statement.ts';

/** The groups of a page, and how many there are on all pages. */
export interface AggregateResult {
  groups: Group[];
  totalGroups: number;
}

/** A row of the statement. */
interface GroupRow extends Row {
  rolled: number;
  total: string;
  shown: boolean;
  excess: number;
}

/** Returns the aggregate of all rows that the viewer may see. */
export async function runAggregate(
  context: Context,
  aggregate: Aggregate,
): Promise<AggregateResult> {
  requireScope(context, aggregate.model);
  const rows = await groupRows(context, aggregate, null);
  return resultOf(aggregate, rows);
}

/**
 * Returns the aggregate of the rows that a relation of a parent leads to. All parents that ask for the
 * same share a statement.
 */
export function loadAggregate(
  context: Context,
  model: string,
  relation: string,
  aggregate: Aggregate,
  parent: Row,
): Promise<AggregateResult> {
  const { own, other } = relationKey(model, relation);
  const key = own.map((column) => parent[column]);
  const { compared, ...asked } = aggregate;
  const name = nameOf('aggregate', model, relation, asked, [...compared]);
  return loader<unknown[], AggregateResult>(context, name, async (keys) => {
    const values = other.map((_, n) => keys.map((each) => each[n]));
    const rows = await groupRows(context, aggregate, { columns: other, values });
    const ofParents = new Map<string, GroupRow[]>();
    for (const row of rows) {
      const parentKey = JSON.stringify(other.map((_, n) => row[`p${n}`]));
      ofParents.set(parentKey, [...(ofParents.get(parentKey) ?? []), row]);
    }
    return keys.map((each) => resultOf(aggregate, ofParents.get(JSON.stringify(each)) ?? []));
  }).load(key);
}

async function groupRows(
  context: Context,
  aggregate: Aggregate,
  parents: ParentValues | null,
): Promise<GroupRow[]> {
  const { text, values } = aggregateStatement(aggregate, parents);
  let rows: GroupRow[];
  try {
    rows = await context.database.query<GroupRow>(text, values);
  } catch (error) {
    throw explained(error, aggregate);
  }
  refuseExcess(aggregate, rows[0]?.excess ?? 0);
  return rows;
}

/** Throws BAD_USER_INPUT if a key, by its number from 1, has too many values to be filled. */
export function refuseExcess({ keys }: Aggregate, excess: number): void {
  const key = keys[excess - 1];
  if (!key) return;
  throw refusal(
    `${key.argument}.fill`,
    `This fills in more than ${MOST_FILLED.ofKey} values, or ${MOST_FILLED.together} groups: take longer buckets, or a filter that leaves fewer of them.`,
  );
}

/**
 * Returns the error for clients of a statement that failed: Postgres does not know all time zones that
 * the gateway knows, for want of its files.
 */
export function explained(error: unknown, { keys, shift }: Aggregate): unknown {
  if (databaseError(error)?.sqlstate !== '22023') return error;
  const zoned = keys.find(({ grouping }) => 'timeZone' in grouping && grouping.timeZone !== 'UTC');
  const argument = zoned ? `${zoned.argument}.timeZone` : shift && 'compareTo.timeZone';
  return argument ? refusal(argument, 'The database does not know this time zone.') : error;
}

function resultOf(aggregate: Aggregate, rows: readonly GroupRow[]): AggregateResult {
  const { keys, totals, first } = aggregate;
  // Of a parent without rows there is no row, but a total all the same.
  if (rows.length === 0 && (keys.length === 0 || (totals && first > 0))) {
    return { groups: [emptyGroup(aggregate)], totalGroups: keys.length === 0 ? 1 : 0 };
  }
  const shown = rows.filter((row) => row.shown).map((row) => new Group(aggregate, row));
  return { groups: shown, totalGroups: Number(rows[0]?.total ?? 0) };
}
