export type LoggedOperation = 'INSERT' | 'UPDATE' | 'DELETE';

/** A committed change of one row in the change log: the row's id, but none of its data. */
export interface Change {
  /** Orders the changes of a batch. */
  seq: number;
  /** The model's name; the log knows its table. */
  model: string;
  rowId: string;
  operation: LoggedOperation;
  /** The workspace whose members may receive it; null for rows that all workspaces share, and for a person's own. */
  workspaceId: string | null;
  /** The only person who may receive it; null where the workspace alone decides. */
  readerId: string | null;
  /** The fields that an update changed, without `updatedAt`; empty for other operations. */
  changedColumns: readonly string[];
  occurredAt: Date;
}
