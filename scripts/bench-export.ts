// Measures the export of many rows: the memory of the gateway before, meanwhile and after, and rows a second
// beside those of psql for the same statement.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { demoPeople, demoWorkspaces } from '../prisma/seed/people.ts';
import { schema } from '../src/schema/index.ts';
import { exportedList, exportedTable } from '../src/server/export/exported-table.ts';
import {
  type DemoDatabase,
  type GatewayProcess,
  openDemoDatabase,
  signIn,
  startGatewayProcess,
} from './bench-hostile/gateway-process.ts';

const USAGE = `Usage: npm run bench:export [-- --rows 1000000]

Exports the alerts of a workspace, which are copies of those of the demo, as CSV, as NDJSON and compressed,
and has psql copy the same statement into a pipe, as the same person. Prints for each the rows and megabytes
a second and, of the gateway, its resident memory before, at most meanwhile, and after.
`;
const LIST = 'systemAlerts';
const SAMPLE_MS = 50;
const WORKSPACE = demoWorkspaces[0]?.id as string;
const MB = 1024 * 1024;
const NEWLINE = 0x0a;

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, help: { type: 'boolean' } },
});

if (options.help) process.stdout.write(USAGE);
else await bench();

/** How much has arrived. */
interface Copied {
  rows: number;
  bytes: number;
}

async function bench(): Promise<void> {
  const database = await openDemoDatabase();
  try {
    await fill(database.ownerUrl, Number(options.rows));
    const gateway = await startGatewayProcess(database);
    try {
      await measureAll(database, gateway);
    } finally {
      await gateway.stop();
    }
  } finally {
    await database.stop();
  }
}

async function measureAll(database: DemoDatabase, gateway: GatewayProcess): Promise<void> {
  const gzip = { 'accept-encoding': 'gzip' };
  const few = `filter=${encodeURIComponent('{"severityLevel":{"equals":"CRITICAL"}}')}`;
  await download(gateway, `${LIST}.csv?${few}`);
  const ways: [string, () => Promise<Copied>][] = [
    ['psql', () => copy(database.ownerUrl)],
    ['CSV', () => download(gateway, `${LIST}.csv`)],
    ['NDJSON', () => download(gateway, `${LIST}.ndjson`)],
    ['CSV, gzip', () => download(gateway, `${LIST}.csv`, gzip)],
    ['psql again', () => copy(database.ownerUrl)],
    ['CSV again', () => download(gateway, `${LIST}.csv`)],
  ];
  for (const [name, run] of ways) {
    const before = await gateway.residentBytes();
    let most = before;
    let isRunning = true;
    const watching = (async () => {
      while (isRunning) {
        most = Math.max(most, await gateway.residentBytes());
        await delay(SAMPLE_MS);
      }
    })();
    const begun = performance.now();
    const { rows, bytes } = await run();
    const seconds = (performance.now() - begun) / 1000;
    isRunning = false;
    await watching;
    const memory = [before, most, await gateway.residentBytes()].map((n) => Math.round(n / MB));
    process.stdout.write(
      `${name}: ${seconds.toFixed(1)} s, ${Math.round(bytes / MB)} MB${rows ? `, ${rows} lines` : ''}, ${Math.round(Number(options.rows) / seconds)} rows/s; memory ${memory.join(', ')} MB\n`,
    );
  }
}

/** Gives the first workspace so many alerts, without what triggers do for each. */
async function fill(url: string, rows: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows: columns } = await client.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
     where attrelid = 'system_alerts'::regclass and attnum > 0 and not attisdropped
       and attname not in ('id', 'created_at')`,
  );
  const names = columns.map(({ name }) => name).join(', ');
  await client.query('set session_replication_role = replica');
  await client.query(
    `with old as (delete from system_alerts where workspace_id = $2 returning *),
      copies as (select old.* from generate_series(1, $1), old limit $1)
     insert into system_alerts (id, created_at, ${names})
     select gen_random_uuid(), now() - row_number() over () * interval '1 second', ${names} from copies`,
    [rows, WORKSPACE],
  );
  await client.query('vacuum analyze system_alerts');
  await client.end();
}

async function download(
  { url }: GatewayProcess,
  path: string,
  more: Record<string, string> = {},
): Promise<Copied> {
  const { headers } = await signIn();
  const { authorization = '', 'x-workspace-id': workspace = '' } = headers;
  const request = get(`${url}/export/${path}`, {
    headers: { authorization, 'x-workspace-id': workspace, ...more },
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`The export has status ${response.statusCode}`);
  const isText = response.headers['content-encoding'] === undefined;
  return counted(response, isText);
}

/** Has psql copy the statement of the export as its person. */
async function copy(url: string): Promise<Copied> {
  const list = exportedList(schema, LIST);
  if (!list) throw new Error(`There is no list ${LIST}`);
  const { text, values } = exportedTable(schema, list, {}).statement;
  if (values.length > 0) throw new Error('psql takes no values');
  const claims = JSON.stringify({ role: 'authenticated', sub: demoPeople[0]?.id });
  const child = spawn(
    'psql',
    [
      ...[url, '--quiet', '--no-psqlrc', '--output=/dev/null', '-v', 'ON_ERROR_STOP=1'],
      ...['-c', `select set_config('request.jwt.claims', '${claims}', false)`],
      ...['-c', `select set_config('app.current_workspace_id', '${WORKSPACE}', false)`],
      ...['-c', 'set role authenticated'],
      ...['-c', `\\copy (${text}) to pstdout (format csv, header)`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  const copied = await counted(child.stdout, true);
  const [code] = await ended;
  if (code !== 0) throw new Error(`psql ended with ${code}`);
  return copied;
}

async function counted(chunks: AsyncIterable<Buffer>, isText: boolean): Promise<Copied> {
  let [rows, bytes] = [0, 0];
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (!isText) continue;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) rows += 1;
  }
  return { rows, bytes };
}
