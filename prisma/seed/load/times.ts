import type { WorkspaceDemo } from '../demo.ts';

/** Added rows are older than the story, so that the newest rows stay readable. */
const YOUNGEST_DAYS = 21;
const SPAN_DAYS = 365;

/**
 * Returns how many days ago row `n` of `count` happened, on full hours: rows share their time,
 * as they do when machines write them.
 */
export function ageOf(n: number, count: number): number {
  return YOUNGEST_DAYS + Math.floor((n / count) * SPAN_DAYS * 24) / 24;
}

/** Returns the id of the load's row number `n` of a table. */
export function loadId({ row }: WorkspaceDemo, table: string, n: number): string {
  return row(table, `load/${n}`);
}
