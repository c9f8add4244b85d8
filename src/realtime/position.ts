/**
 * A `pg_snapshot` of Postgres: it sees the transactions before `xmax`, except for those that were
 * still running. Cut off behind the newest transaction of the log.
 */
export interface Snapshot {
  xmax: bigint;
  running: ReadonlySet<bigint>;
  /** As Postgres writes it. */
  text: string;
}

/**
 * What has been delivered of the log: all that `seen` sees and, where a batch was delivered in part, of what
 * `until` sees besides the changes up to `seq`.
 */
export interface Position {
  /** The identity of the log; left out, it is the one that is open. */
  log?: string;
  seen: Snapshot;
  part?: { until: Snapshot; seq: number };
}

/** Returns what Postgres wrote as `xmin:xmax:running`. Throws TypeError for anything else. */
export function parseSnapshot(text: string): Snapshot {
  const [, xmax, running] = /^\d+:(\d+):((?:\d+,)*\d+)?$/.exec(text) ?? [];
  if (xmax === undefined) throw new TypeError(`"${text}" is not a snapshot`);
  return { xmax: BigInt(xmax), running: new Set(running?.split(',').map(BigInt)), text };
}

/** Whether a transaction had ended when the snapshot was taken. */
export function sees({ xmax, running }: Snapshot, xid: bigint): boolean {
  return xid < xmax && !running.has(xid);
}

/** Whether the snapshot sees a transaction and all before it. */
export function seesUpTo({ xmax, running }: Snapshot, xid: bigint): boolean {
  if (xid >= xmax) return false;
  for (const other of running) if (other <= xid) return false;
  return true;
}

/** Whether the first snapshot sees everything that the second one sees. */
export function includes(a: Snapshot, b: Snapshot): boolean {
  if (a.xmax < b.xmax) return false;
  for (const xid of a.running) if (sees(b, xid)) return false;
  return true;
}

/**
 * Whether all that was delivered up to the second position was also delivered up to the first. The
 * snapshots of a log are totally ordered: of two whole ones at least one covers the other.
 */
export function covers(a: Position, b: Position): boolean {
  if (a.log !== undefined && b.log !== undefined && a.log !== b.log) return false;
  if (includes(a.seen, b.part?.until ?? b.seen)) return true;
  return (
    a.part !== undefined &&
    b.part !== undefined &&
    a.seen.text === b.seen.text &&
    a.part.until.text === b.part.until.text &&
    a.part.seq >= b.part.seq
  );
}

/** Returns a position as short text. */
export function writePosition({ seen, part }: Position): string {
  if (!part) return writeSnapshot(seen);
  return [writeSnapshot(seen), writeSnapshot(part.until), part.seq.toString(16)].join(';');
}

/** Returns the position that `writePosition` wrote. Throws TypeError or SyntaxError for another text. */
export function readPosition(text: string): Position {
  const [seen = '', until, seq] = text.split(';');
  if (until === undefined || seq === undefined) return { seen: readSnapshot(seen) };
  return {
    seen: readSnapshot(seen),
    part: { until: readSnapshot(until), seq: Number.parseInt(seq, 16) },
  };
}

/** Differences, since hundreds may be running and a cursor has to fit into a header. */
function writeSnapshot({ xmax, running }: Snapshot): string {
  let previous = xmax;
  const steps = [...running]
    .sort((a, b) => (a < b ? 1 : -1))
    .map((xid) => {
      const step = previous - xid;
      previous = xid;
      return step.toString(16);
    });
  return [xmax.toString(16), ...steps].join(',');
}

function readSnapshot(text: string): Snapshot {
  const [first = '', ...steps] = text.split(',');
  const xmax = BigInt(`0x${first}`);
  let xid = xmax;
  const running = steps
    .map((step) => {
      xid -= BigInt(`0x${step}`);
      return xid;
    })
    .reverse();
  return {
    xmax,
    running: new Set(running),
    text: `${running[0] ?? xmax}:${xmax}:${running.join(',')}`,
  };
}
