import type { QueryResultRow } from 'pg';
import { catalog, type Model } from '../generated/catalog.ts';
import type { Change, LoggedOperation } from './change.ts';
import type { CursorKey } from './change-cursor.ts';
import type { ReplayFilter, WorkspaceRole } from './feed.ts';
import { parseSnapshot, type Snapshot, seesUpTo } from './position.ts';

/** Where the log's statements run: a connection of the gateway's own login, without a session. */
export interface LogConnection {
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

/** The log that is open. */
export interface ChangeLog extends CursorKey {
  /** The newest transaction of which changes were deleted. */
  trimmedXid: bigint;
}

export interface LogPage {
  /** Those of models that this gateway has. */
  changes: Change[];
  /** The seq of the last change, even if it is not in `changes`; undefined if there was none. */
  lastSeq: number | undefined;
  more: boolean;
}

interface Metadata {
  name: string;
  /** Field names by column. */
  fields: ReadonlyMap<string, string>;
}

type LoggedChange = [
  seq: number,
  table: string,
  rowId: string,
  operation: LoggedOperation,
  workspaceId: string | null,
  readerId: string | null,
  changedColumns: string[],
  occurredAt: number,
];

const METADATA_BY_TABLE: ReadonlyMap<string, Metadata> = new Map(
  Object.entries(catalog.models).map(([name, model]) => [
    model.table,
    { name, fields: fieldsOf(model) },
  ]),
);

/** Writers notify of changes here, unless readers are awake. */
export const CHANNEL = 'gateway_change';

/** Opens the log, which starts again after a restore or a failover. */
export async function openLog(connection: LogConnection): Promise<ChangeLog> {
  const { rows } = await connection.query<{ identity: string; key: Buffer; trimmed_xid: string }>(
    'SELECT identity, key, trimmed_xid FROM gateway.open_change_log()',
  );
  const [log] = rows;
  if (!log) throw new Error('The database has no change log');
  return { identity: log.identity, key: log.key, trimmedXid: BigInt(log.trimmed_xid) };
}

/** Returns up to where the log can be read now. */
export async function readLogEnd(connection: LogConnection): Promise<Snapshot> {
  const { rows } = await connection.query<{ snapshot: string }>(
    'SELECT gateway.change_snapshot()::text AS snapshot',
  );
  return parseSnapshot(rows[0]?.snapshot ?? '');
}

/**
 * Returns the first page of what was committed since a snapshot, the snapshot that sees all of it,
 * and whether writers currently wake no readers.
 */
export async function readChangesAfter(
  connection: LogConnection,
  seen: Snapshot,
  pageSize: number,
): Promise<LogPage & { snapshot: Snapshot; awake: boolean }> {
  const { rows } = await connection.query<{
    snapshot: string;
    awake: boolean;
    more: boolean;
    changes: LoggedChange[];
  }>('SELECT snapshot, awake, more, changes FROM gateway.changes_after($1, $2)', [
    seen.text,
    pageSize,
  ]);
  const { snapshot = '', awake = false, more = false, changes = [] } = rows[0] ?? {};
  return {
    ...pageOf(changes, more),
    awake,
    // Mostly nothing has happened.
    snapshot: snapshot === seen.text ? seen : parseSnapshot(snapshot),
  };
}

/** A part of the log: what one snapshot sees and another does not, behind a seq. */
export interface Span {
  seen: Snapshot;
  until: Snapshot;
  afterSeq: number;
}

/**
 * Returns a page of a span, all of it or what a reader may receive, and the log as it was no earlier
 * than the page.
 */
export async function readSpan(
  connection: LogConnection,
  { seen, until, afterSeq }: Span,
  pageSize: number,
  filter?: ReplayFilter,
): Promise<LogPage & { log: Omit<ChangeLog, 'key'> }> {
  const { rows } = await connection.query<{
    more: boolean;
    changes: LoggedChange[];
    identity: string;
    trimmed_xid: string;
  }>(
    `SELECT page.more, page.changes, log.identity, log.trimmed_xid
     FROM gateway.changes_between($1, $2, $3, $4, $5, $6, $7) AS page, gateway.open_change_log() AS log`,
    [
      seen.text,
      until.text,
      afterSeq,
      pageSize,
      filter ? filter.models.map(tableOf) : null,
      filter?.workspaceId ?? null,
      filter?.readerId ?? null,
    ],
  );
  const { more = false, changes = [], identity = '', trimmed_xid = 0 } = rows[0] ?? {};
  return { ...pageOf(changes, more), log: { identity, trimmedXid: BigInt(trimmed_xid) } };
}

/** Makes all readers poll for this long; writers wake none of them meanwhile. */
export async function keepReadersAwake(connection: LogConnection, ms: number): Promise<void> {
  // A lost sequence value costs nothing. Never for the session: poolers share it with writers.
  await connection.query(
    "SELECT set_config('synchronous_commit', 'off', true), gateway.keep_readers_awake($1)",
    [ms],
  );
}

/** Deletes a page of the changes that are older than this; returns how many there were. */
export async function trimPage(connection: LogConnection, keepMs: number): Promise<number> {
  const { rows } = await connection.query<{ trimmed: string }>(
    `SELECT gateway.trim_change_log($1 * interval '1 millisecond') AS trimmed`,
    [keepMs],
  );
  return Number(rows[0]?.trimmed ?? 0);
}

/** Returns the members of these workspaces and their roles. */
export async function readWorkspaceRoles(
  connection: LogConnection,
  workspaceIds: readonly string[],
): Promise<WorkspaceRole[]> {
  const { rows } = await connection.query<WorkspaceRole>(
    `SELECT workspace_id AS "workspaceId", user_id AS "userId", role FROM gateway.workspace_roles($1)`,
    [workspaceIds],
  );
  return rows;
}

/** Whether the log still has all that a snapshot does not see. */
export function retains({ trimmedXid }: Pick<ChangeLog, 'trimmedXid'>, seen: Snapshot): boolean {
  return seesUpTo(seen, trimmedXid);
}

function fieldsOf({ columns }: Model): ReadonlyMap<string, string> {
  return new Map(Object.entries(columns).map(([field, { column }]) => [column, field]));
}

function tableOf(model: string): string {
  const table = catalog.models[model]?.table;
  if (table === undefined) throw new TypeError(`There is no model ${model}`);
  return table;
}

function pageOf(logged: readonly LoggedChange[], more: boolean): LogPage {
  return {
    changes: logged.flatMap((change) => toChange(change)),
    lastSeq: logged.at(-1)?.[0],
    more,
  };
}

function toChange(logged: LoggedChange): Change[] {
  const [seq, table, rowId, operation, workspaceId, readerId, columns, occurredAt] = logged;
  const metadata = METADATA_BY_TABLE.get(table);
  // While a newer gateway is rolled out, its tables are there already.
  if (!metadata) return [];
  return [
    {
      seq,
      model: metadata.name,
      rowId,
      operation,
      workspaceId,
      readerId,
      changedColumns: columns.flatMap((column) => metadata.fields.get(column) ?? []),
      occurredAt: new Date(occurredAt),
    },
  ];
}
