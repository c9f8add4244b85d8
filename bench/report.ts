import type { Result, Results } from './medians.ts';
import { TITLES } from './servers/start-server.ts';

const MEGABYTE = 1_048_576;

/** Returns the results as tables to be read. */
export function report(results: Results): string {
  const { machine, versions, scale, rows, rounds, seconds, servers } = results;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${results.at}  ${machine.cpu}, ${machine.cores} cores, ${machine.platform}`,
    `${names.join(', ')}; ${rows.toLocaleString('en')} rows (scale ${scale}); medians (rounds: ${rounds} of ${seconds} s)`,
    '',
    ...table(
      ['server', 'first answer ms', 'MB at start', 'MB warm', 'after requests'],
      servers.map(({ server, startMs, rssAtStart, rssWarm, warmUp }) => [
        TITLES[server],
        startMs.toFixed(0),
        (rssAtStart / MEGABYTE).toFixed(0),
        (rssWarm / MEGABYTE).toFixed(0),
        String(warmUp),
      ]),
    ),
  ];
  for (const [heading, group] of groups(results.results)) {
    lines.push('', heading, ...table(HEAD, group.map(row)));
  }
  return `${lines.join('\n')}\n`;
}

const HEAD = [
  'server',
  'requests/s',
  'x PostGraphile',
  'x bare',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'CPU ms server',
  'Postgres',
  'statements',
  'round trips',
];

function row(result: Result): string[] {
  const { p50, p95, p99, serverCpuMs, postgresCpuMs } = result;
  return [
    TITLES[result.server],
    result.requestsPerSecond.toFixed(0),
    ratio(result.toPostgraphile),
    ratio(result.toBare),
    ...[p50, p95, p99, serverCpuMs, postgresCpuMs].map((ms) => ms.toFixed(2)),
    String(result.statements ?? '-'),
    String(result.roundTrips ?? '-'),
  ];
}

function ratio(number: number | null): string {
  return number === null ? '-' : number.toFixed(2);
}

function groups(results: readonly Result[]): Map<string, Result[]> {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const { series, request, title, connections } = result;
    const asked = connections === 1 ? '1 connection' : `${connections} connections`;
    const heading = `${series ? `Growth of ${series}, ` : ''}${request}  ${title}, ${asked}`;
    groups.set(heading, [...(groups.get(heading) ?? []), result]);
  }
  return groups;
}

/** Returns lines of columns, the first to the left. */
export function table(head: readonly string[], rows: readonly string[][]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...all.map((cells) => cells[column]?.length ?? 0)),
  );
  return all.map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}
