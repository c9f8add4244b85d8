import type { Change } from './change.ts';
import type { Batch } from './feed.ts';
import type { Position } from './position.ts';

/** Returns changes that one snapshot sees and another does not as a batch that ends there. */
export function createBatch(
  changes: readonly Change[],
  { log, seen, part }: Required<Position>,
  end: Position,
): Batch {
  const last = changes.at(-1);
  return {
    changes,
    end,
    positionAfter: (change) =>
      change === last ? end : { log, seen, part: { until: part.until, seq: change.seq } },
  };
}
