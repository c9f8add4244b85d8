import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What a process and its children have used so far, including ended ones where the system reports them. */
export interface Usage {
  cpuMs: number;
  /** Memory that the process itself holds. */
  rssBytes: number;
}

interface Process {
  pid: number;
  parent: number;
  cpuMs: number;
  rssBytes: number;
}

const run = promisify(execFile);
// Both are the same on every Linux that Node runs on, and only sysconf would return them.
const MS_PER_TICK = 10;
const PAGE_BYTES = 4_096;

/** Returns the usage of a process with its children. Throws when there is no such process. */
export async function usageOf(pid: number): Promise<Usage> {
  const all = await (process.platform === 'linux' ? readProc() : readPs());
  const own = all.find((each) => each.pid === pid);
  if (!own) throw new Error(`Process ${pid} is gone`);
  const children = all.filter(({ parent }) => parent === pid);
  const cpuMs = children.reduce((sum, child) => sum + child.cpuMs, own.cpuMs);
  return { cpuMs, rssBytes: own.rssBytes };
}

async function readProc(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')),
  );
  return stats.flatMap((stat) => parseStat(stat) ?? []);
}

/** Reads a line of /proc/<pid>/stat; null for one that is not whole. */
export function parseStat(stat: string): Process | null {
  const name = stat.lastIndexOf(')');
  if (name < 0) return null;
  // Behind the name: state, parent, ...; utime, stime, cutime and cstime are fields 14 to 17, rss is 24.
  const fields = stat.slice(name + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(stat, 10),
    parent: field(4),
    cpuMs: (field(14) + field(15) + field(16) + field(17)) * MS_PER_TICK,
    rssBytes: field(24) * PAGE_BYTES,
  };
}

async function readPs(): Promise<Process[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,rss=,time=']);
  return stdout.split('\n').flatMap((line) => parsePs(line) ?? []);
}

/** Reads a line of `ps -o pid=,ppid=,rss=,time=`, where the time is [[h:]m:]s.cc; null for others. */
export function parsePs(line: string): Process | null {
  const [pid, parent, kilobytes, time] = line.trim().split(/\s+/);
  if (time === undefined) return null;
  const seconds = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return {
    pid: Number(pid),
    parent: Number(parent),
    cpuMs: seconds * 1_000,
    rssBytes: Number(kilobytes) * 1_024,
  };
}
