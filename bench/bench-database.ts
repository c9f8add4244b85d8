import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrator.ts';

/** The measured person and workspace, and rows that requests ask for. */
export interface Subject {
  personId: string;
  workspaceId: string;
  /** Alerts of the workspace, newest first. */
  alerts: readonly { id: string; createdAt: string }[];
}

export interface BenchDatabase {
  /** Of the login that all servers use. */
  url: string;
  ownerUrl: string;
  /** Postgres' first process; connections are its children. */
  pid: number;
  subject: Subject;
  /** All rows of the measured tables. */
  rows: number;
  /** Deletes what mutations created, and vacuums. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** The title of alerts that a measured mutation creates, to distinguish them from others. */
export const CREATED_TITLE = 'Created by the bench';

/** Starts the bench's Postgres on its data of this scale, which is made the first time. */
export async function openDatabase(
  scale: number,
  onProgress: (step: string) => void,
): Promise<BenchDatabase> {
  const dataDir = await folderFor(scale);
  const postgres = await startEmbeddedPostgres({ dataDir });
  const ownerUrl = postgres.url();
  const owner = new pg.Client(ownerUrl);
  const stop = async () => {
    await owner.end();
    await postgres.stop();
  };
  try {
    await migrate(ownerUrl, { onWarning: onProgress });
    await owner.connect();
    if (await isEmpty(owner)) {
      onProgress(`Making the data of scale ${scale}`);
      await seed(owner, scale);
    }
    await owner.query(await readSql('servers/postgraphile/functions.sql'));
    const password = randomBytes(24).toString('base64url');
    await owner.query(`ALTER ROLE codex_gateway LOGIN PASSWORD '${password}'`);
    const url = new URL(ownerUrl);
    url.username = 'codex_gateway';
    url.password = password;
    const reset = async () => {
      await owner.query('DELETE FROM system_alerts WHERE starts_with(title, $1)', [CREATED_TITLE]);
      await owner.query('VACUUM ANALYZE system_alerts');
      await owner.query('CHECKPOINT');
    };
    await reset();
    return {
      url: url.href,
      ownerUrl,
      pid: postgres.pid,
      subject: await readSubject(owner),
      rows: await countRows(owner),
      reset,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Data that was made from other migrations, or by another script, is outdated. */
async function folderFor(scale: number): Promise<string> {
  const all = fileURLToPath(new URL('.data/', import.meta.url));
  const name = `scale-${scale}-${await fingerprint()}`;
  await mkdir(all, { recursive: true });
  for (const other of await readdir(all)) {
    const isOutdated = other.startsWith(`scale-${scale}-`) && other !== name;
    if (isOutdated) await rm(join(all, other), { recursive: true });
  }
  return join(all, name);
}

async function fingerprint(): Promise<string> {
  const migrations = fileURLToPath(new URL('../prisma/migrations/', import.meta.url));
  const files = (await readdir(migrations, { recursive: true })).filter((file) =>
    file.endsWith('.sql'),
  );
  const texts = files.sort().map((file) => readFile(join(migrations, file), 'utf8'));
  const hash = createHash('sha256').update(await readSql('seed.sql'));
  for (const text of await Promise.all(texts)) hash.update(text);
  return hash.digest('hex').slice(0, 12);
}

async function isEmpty(owner: pg.Client): Promise<boolean> {
  const { rows } = await owner.query('SELECT NOT EXISTS (SELECT FROM workspaces) AS empty');
  return rows[0].empty;
}

/** All or nothing: incomplete data would count as complete the next time. */
async function seed(owner: pg.Client, scale: number): Promise<void> {
  const text = await readSql('seed.sql');
  await owner.query(
    `BEGIN; SELECT set_config('bench.scale', '${Number(scale)}', true); ${text} COMMIT;`,
  );
  await owner.query('VACUUM ANALYZE');
}

function readSql(file: string): Promise<string> {
  return readFile(new URL(file, import.meta.url), 'utf8');
}

async function readSubject(owner: pg.Client): Promise<Subject> {
  const people = await owner.query(
    `SELECT m.user_id, m.workspace_id FROM user_workspaces AS m
     JOIN workspaces AS w ON w.id = m.workspace_id WHERE w.slug = 'workspace-1' AND m.role = 'Owner'`,
  );
  const { user_id: personId, workspace_id: workspaceId } = people.rows[0];
  const alerts = await owner.query(
    `SELECT id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt"
     FROM system_alerts AS a WHERE workspace_id = $1 ORDER BY a.created_at DESC, a.id DESC`,
    [workspaceId],
  );
  return { personId, workspaceId, alerts: alerts.rows };
}

async function countRows(owner: pg.Client): Promise<number> {
  const tables = ['campaigns', 'campaign_quests', 'campaign_cohorts', 'cohorts', 'positioning'];
  const counts = [...tables, 'system_alerts', 'support_feedback', 'user_workspaces'].map(
    (table) => `(SELECT count(*) FROM ${table})`,
  );
  const { rows } = await owner.query(`SELECT (${counts.join(' + ')})::integer AS total`);
  return rows[0].total;
}
