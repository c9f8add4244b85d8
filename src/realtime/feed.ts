import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Change } from './change.ts';
import type { Position } from './position.ts';

/** Changes in the order of their delivery, and their positions in the log. */
export interface Batch {
  changes: readonly Change[];
  /** The position behind all of them. */
  end: Position;
  /** Returns the position behind the changes up to this one. */
  positionAfter(change: Change): Position;
}

/** The receiver of past changes. */
export interface ReplayFilter {
  models: readonly string[];
  workspaceId: string | null;
  /** The person whose own rows are included. */
  readerId: string | null;
}

export interface WorkspaceRole {
  workspaceId: string;
  userId: string;
  role: MemberRole;
}

export type FeedListener = (batch: Batch) => void;

/** The change log as it grows: every committed change once, from any writer. */
export interface Feed {
  /** Up to where changes were delivered; this can be in the middle of a transaction with many changes. */
  position(): Position;
  /** Calls the listener, synchronously and in order, with each batch from now on. Returns its end. */
  listen(listener: FeedListener): () => void;
  /**
   * Resolves once `position()` covers this one. Rejects with CURSOR_EXPIRED when it no longer belongs
   * to the log, and with SERVICE_UNAVAILABLE when the log cannot be read, or the feed is closed.
   */
  reach(position: Position): Promise<void>;
  /**
   * Pages through what lies between two positions, the later of which has been reached. Rejects with
   * CURSOR_EXPIRED when the earlier one is past the log's retention.
   */
  replay(after: Position, until: Position, filter: ReplayFilter): AsyncIterable<Batch>;
  /** The key that seals cursors: 32 bytes, the same on every replica. */
  key(): Buffer;
  /** Returns the cursor of a position in a workspace, for clients. */
  seal(position: Position, workspaceId: string | null): string;
  /**
   * Returns the position of a client's cursor. Throws BAD_USER_INPUT for one that this API did not
   * hand out in this workspace, and CURSOR_EXPIRED for one of another log.
   */
  open(cursor: string, workspaceId: string | null, argument: string): Position;
  /** Returns the members of these workspaces and their roles, for subscriptions that stay open while these change. */
  workspaceRoles(workspaceIds: readonly string[]): Promise<readonly WorkspaceRole[]>;
  /** Called when all earlier cursors have become invalid: after a restore, or a failover. */
  onReset(listener: () => void): void;
  close(): Promise<void>;
}
