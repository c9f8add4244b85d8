import { execFile } from 'node:child_process';
import { readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A live server, as its lock file describes it. */
export interface Postmaster {
  pid: number;
  port: number;
  /** `starting`, `ready`, `stopping` or `standby`; empty before the server has written it. */
  status: string;
}

/** Returns the server that runs on a database folder, or null. */
export async function readPostmaster(folder: string): Promise<Postmaster | null> {
  const lines = await readLock(folder);
  if (!lines) return null;
  const pid = Number(lines[0]);
  if (!(await runsOn(pid, folder))) return null;
  return { pid, port: Number(lines[3]), status: lines[7]?.trim() ?? '' };
}

/**
 * Makes Postgres take over a lock file that no server holds. It refuses while another process, or a
 * killed server that was not reaped, has the process id in the file. It accepts the id of its
 * parent. The rest of the file stays, because Postgres uses it to see whether sessions of a killed
 * server still work on the folder.
 */
export async function replaceStaleLock(folder: string): Promise<void> {
  const lines = await readLock(folder);
  if (lines) await writeFile(lockFile(folder), [process.pid, ...lines.slice(1)].join('\n'));
}

function lockFile(folder: string): string {
  return join(folder, 'postmaster.pid');
}

async function readLock(folder: string): Promise<string[] | null> {
  const text = await readFile(lockFile(folder), 'utf8').catch(() => '');
  return text ? text.split('\n') : null;
}

// The process id alone proves nothing. After a reboot, or in a new container, another program may
// have it.
async function runsOn(pid: number, folder: string): Promise<boolean> {
  if (process.platform === 'linux') {
    try {
      return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(folder));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EACCES';
    }
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]);
    return stdout.includes(folder);
  } catch {
    return false;
  }
}
