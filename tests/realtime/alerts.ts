import type { Change } from '../../src/realtime/change.ts';
import type { Batch, Feed, ReplayFilter } from '../../src/realtime/feed.ts';
import type { Position } from '../../src/realtime/position.ts';
import type { Query } from '../support/database.ts';

/** Raises so many alerts in one statement; returns their ids in the order of the log. */
export async function raise(query: Query, workspaceId: string, count = 1): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `insert into system_alerts (workspace_id, alert_type, title)
     select $1, 'error', 'Alert ' || n from generate_series(1, $2::integer) as n returning id`,
    [workspaceId, count],
  );
  return rows.map(({ id }) => id);
}

/** The batches that a listener has received since it began to listen. */
export class Received {
  readonly batches: Batch[] = [];
  readonly stop: () => void;

  constructor(feed: Feed) {
    this.stop = feed.listen((batch) => this.batches.push(batch));
  }

  get changes(): Change[] {
    return this.batches.flatMap(({ changes }) => changes);
  }

  get ids(): string[] {
    return this.changes.map(({ rowId }) => rowId);
  }

  /** Each change, and the position to resume from after it. */
  get places(): { change: Change; position: Position }[] {
    return this.batches.flatMap((batch) =>
      batch.changes.map((change) => ({ change, position: batch.positionAfter(change) })),
    );
  }
}

export function alertsOf(workspaceId: string): ReplayFilter {
  return { models: ['SystemAlert'], workspaceId, readerId: null };
}

/** All batches that lie between two positions. */
export async function replayed(
  feed: Feed,
  after: Position,
  until: Position,
  filter: ReplayFilter,
): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of feed.replay(after, until, filter)) batches.push(batch);
  return batches;
}
