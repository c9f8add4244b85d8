import type { Change } from '../realtime/change.ts';
import type { Batch, Feed } from '../realtime/feed.ts';
import type { Audience } from './group-audience.ts';

/**
 * Returns the function that makes the cursor behind a change. It is made once for each workspace,
 * since all groups of a workspace get the same one.
 */
export function createEventCursors(feed: Pick<Feed, 'seal'>) {
  const cursors = new WeakMap<Change, Map<string | null, string>>();
  return (batch: Batch, change: Change, { workspace }: Audience): string => {
    const workspaceId = workspace?.id ?? null;
    const known = cursors.get(change) ?? new Map<string | null, string>();
    cursors.set(change, known);
    let cursor = known.get(workspaceId);
    if (cursor === undefined) {
      cursor = feed.seal(batch.positionAfter(change), workspaceId);
      known.set(workspaceId, cursor);
    }
    return cursor;
  };
}
