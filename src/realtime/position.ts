/**
 * What Postgres' `pg_snapshot` says: the transactions before `xmax` are seen, but for those that were
 * still running. Cut off behind the newest transaction of the log.
 */
export interface Snapshot {
  xmax: bigint;
  running: ReadonlySet<bigint>;
  /** As Postgres writes it. */
  text: string;
}

/**
 * What has been told of the log: all that `seen` sees and, where a batch was told in part, of what
 * `until` sees besides the changes up to `seq`.
 */
export interface Position {
  seen: Snapshot;
  part?: { until: Snapshot; seq: number };
}
