import type { Context } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { GatewayError } from '../context/errors.ts';
import type { Seal } from '../context/seal.ts';
import { modelOf } from './catalog.ts';
import { requirePageSize } from './function-rows.ts';
import { limits } from './limits.ts';
import { loader } from './loaders.ts';
import type { Connection } from './page.ts';
import type { Row } from './rows.ts';
import { isSecret } from './secrets.ts';

/** One change to a row. */
export interface AuditEntry {
  id: string;
  occurredAt: Date;
  operation: 'INSERT' | 'UPDATE' | 'DELETE';
  actorId: string | null;
  agentName: string | null;
  /** Values by the API's names of their columns; null before the row existed, or after. */
  before: Row | null;
  after: Row | null;
}

export interface HistoryArguments {
  first?: number | null;
  after?: string | null;
}

/** A row by its workspace (null if it belongs to none) and its id. */
type Key = readonly [workspaceId: unknown, id: unknown];

/**
 * Returns a page of the changes to a row, newest first, without those of columns that are not
 * `shown`. One statement for all rows of an answer. Throws BAD_USER_INPUT for its arguments.
 */
export async function loadHistory(
  context: Context,
  model: string,
  row: Row,
  args: HistoryArguments,
  shown: readonly string[],
): Promise<Connection<AuditEntry>> {
  const size = args.first ?? limits.defaultPageSize;
  requirePageSize(size);
  const { table } = modelOf(model);
  const workspaceId = (model === 'Workspace' ? row.id : row.workspaceId) ?? null;
  const cursors = historyCursors(context.seal, table, workspaceId);
  const before = args.after == null ? null : cursors.read(args.after);
  const found = await loader<Key, AuditEntry[]>(
    context,
    `history ${table} ${workspaceId === null} ${size} ${before}`,
    (keys) => readEntries(context, table, keys, workspaceId === null, size + 1, before),
  ).load([workspaceId, row.id]);
  const edges = found.slice(0, size).map((entry) => ({
    cursor: cursors.write(entry),
    node: inTermsOf(model, shown, entry),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: found.length > size,
      hasPreviousPage: before !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

async function readEntries(
  { database }: Context,
  table: string,
  keys: readonly Key[],
  global: boolean,
  take: number,
  before: string | null,
): Promise<AuditEntry[][]> {
  const entries = await database.query<AuditEntry & { position: string }>(
    `SELECT k.position, a.*
     FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS k(workspace_id, row_id, position)
     CROSS JOIN LATERAL (
       SELECT id, occurred_at AS "occurredAt", operation, actor AS "actorId", agent AS "agentName", before, after
       FROM gateway.audit_log AS l
       WHERE l.workspace_id ${global ? 'IS NULL' : '= k.workspace_id'} AND l.table_name = $3
         AND l.row_id = k.row_id AND l.id < $4::bigint
       ORDER BY l.id DESC LIMIT $5
     ) AS a
     ORDER BY k.position, a.id DESC`,
    [
      keys.map(([workspaceId]) => workspaceId),
      keys.map(([, id]) => id),
      table,
      before ?? '9223372036854775807',
      take,
    ],
  );
  const found = keys.map((): AuditEntry[] => []);
  for (const { position, ...entry } of entries) found[Number(position) - 1]?.push(entry);
  return found;
}

/** As stored in the log. Entries may be older than the secrecy of a column. */
const HIDDEN = { $hidden: true };

/** The log has the database's names of columns and labels. */
function inTermsOf(model: string, shown: readonly string[], entry: AuditEntry): AuditEntry {
  const { columns } = modelOf(model);
  const translate = (values: Row | null) =>
    values &&
    Object.fromEntries(
      shown.flatMap((name) => {
        const { column, kind } = columns[name] as (typeof columns)[string];
        if (!(column in values)) return [];
        const value = isSecret(model, name) && values[column] !== null ? HIDDEN : values[column];
        return [[name, kind === 'enum' ? upperCase(value) : value]];
      }),
    );
  return { ...entry, before: translate(entry.before), after: translate(entry.after) };
}

function upperCase(label: unknown): unknown {
  if (Array.isArray(label)) return label.map(upperCase);
  return typeof label === 'string' ? label.toUpperCase() : label;
}

const ID_DIGITS = 16;

/**
 * The cursors of a table's histories in a workspace. They are sealed, because ids come from one
 * sequence for all workspaces: two of them would reveal how much others write.
 */
function historyCursors(seal: Seal, table: string, workspaceId: unknown) {
  const use = `history ${table} ${workspaceId ?? ''}`;
  return {
    // Cursors have the same length for every id.
    write: ({ id }: AuditEntry) =>
      seal.close(BigInt(id).toString(16).padStart(ID_DIGITS, '0'), use),
    read(cursor: string): string {
      const id = seal.open(cursor, use);
      if (id !== null) return BigInt(`0x${id}`).toString();
      throw new GatewayError('BAD_USER_INPUT', '"after" is not a cursor of this list.', {
        argument: 'after',
      });
    },
  };
}

/** Deletes entries that are no longer kept, page by page. Needs any session. */
export async function forgetOldEntries(database: Database): Promise<void> {
  for (let trimmed = 1; trimmed > 0; ) {
    const [row] = await database.query<{ trimmed: number }>(
      'SELECT gateway.expire_audit_log()::integer AS trimmed',
    );
    trimmed = row?.trimmed ?? 0;
  }
}
