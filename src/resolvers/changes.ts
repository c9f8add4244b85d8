import type { Context } from '../context/context.ts';
import { paddedToPowerOfTwo } from '../context/database/lookups.ts';
import type { Change, LoggedOperation } from '../realtime/change.ts';
import type { ChangeEvent } from '../realtime/change-source.ts';
import { filteredColumns, toWhere } from './filter.ts';
import { loader, nameOf, withColumn } from './loaders.ts';
import { delegateOf, type Row } from './rows.ts';

export const CHANGE_OPERATIONS = ['CREATED', 'UPDATED', 'DELETED', 'LEFT'] as const;
/** What happened to a row, for its subscribers. */
export type ChangeOperation = (typeof CHANGE_OPERATIONS)[number];

/** Operations of the log that may be delivered. */
const LOGGED: Record<ChangeOperation, LoggedOperation> = {
  CREATED: 'INSERT',
  UPDATED: 'UPDATE',
  DELETED: 'DELETE',
  LEFT: 'UPDATE',
};

/** Which changes a subscription delivers. */
export interface Wanted {
  model: string;
  operations: readonly ChangeOperation[];
  /** The client's filter. */
  filter?: Row | null | undefined;
  /** A condition of the subscription's own, in Prisma's terms. */
  where?: object;
}

/** A change as it is delivered. */
export interface DeliveredChange {
  operation: ChangeOperation;
  change: Change;
  cursor: string;
  /** The row as it is now; null once it is deleted, or out of sight. */
  node: Row | null;
}

/** Returns the operations of the log that may have to be delivered. */
export function loggedOperations(operations: readonly ChangeOperation[]): LoggedOperation[] {
  return [...new Set(operations.map((operation) => LOGGED[operation]))];
}

/**
 * Returns what is delivered for a change, and skips the event if nothing is. Changes of one
 * context share a statement. Another one is sent for updated rows that a filter excludes, to
 * distinguish rows that are gone from rows that do not match.
 */
export async function deliverChange(
  context: Context,
  event: ChangeEvent,
  wanted: Wanted,
  selection: object,
): Promise<DeliveredChange> {
  const { change } = event;
  const isWanted = loggedOperations(wanted.operations).includes(change.operation);
  const node =
    isWanted && change.operation !== 'DELETE'
      ? await loadMatching(context, change, wanted, selection)
      : null;
  const operation = isWanted ? await operationOf(context, change, wanted, node) : null;
  if (!operation || !wanted.operations.includes(operation)) event.skip();
  return { operation: operation ?? 'LEFT', change, cursor: event.cursor, node };
}

async function operationOf(
  context: Context,
  change: Change,
  wanted: Wanted,
  node: Row | null,
): Promise<ChangeOperation | null> {
  switch (change.operation) {
    case 'DELETE':
      return 'DELETED';
    case 'INSERT':
      // For a row that is gone already, its deletion is delivered.
      return node && 'CREATED';
    case 'UPDATE':
      if (node) return 'UPDATED';
      return wanted.operations.includes('LEFT') && (await hasLeft(context, change, wanted))
        ? 'LEFT'
        : null;
  }
}

/** Whether a row that the filter excludes now may have matched it before the change. */
async function hasLeft(
  context: Context,
  change: Change,
  { model, filter }: Wanted,
): Promise<boolean> {
  const columns = filteredColumns(model, filter);
  if (!columns) return true;
  // Every update changes this one, so the log does not mention it.
  if (columns.has('updatedAt')) return true;
  if (change.changedColumns.some((column) => columns.has(column))) return true;
  return (await loadMatching(context, change, { model }, { select: {} })) === null;
}

function loadMatching(
  context: Context,
  { rowId }: Change,
  { model, filter, where = {} }: Pick<Wanted, 'model' | 'filter' | 'where'>,
  selection: object,
): Promise<Row | null> {
  const matching = [toWhere(model, filter), where];
  return loader<string, Row | null>(
    context,
    nameOf('changed', model, matching, selection),
    async (ids) => {
      const rows = await delegateOf(context, model).findMany({
        ...withColumn(selection, 'id'),
        where: { AND: [{ id: { in: paddedToPowerOfTwo(ids) } }, ...matching] },
      });
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id) ?? null);
    },
  ).load(rowId);
}
