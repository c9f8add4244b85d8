// Measures how much CPU the server spends on each hostile argument, compared with an ordinary request of the
// same field.
import { parseArgs } from 'node:util';
import { hostileJson } from '../../tests/support/hostile.ts';
import {
  type DemoClient,
  type GatewayProcess,
  openDemoDatabase,
  type Reply,
  send,
  signIn,
  startGatewayProcess,
} from './gateway-process.ts';
import { KNOWN_QUERY, type Known, type Target, targetsOf } from './targets.ts';

const USAGE = `Usage: npm run bench:hostile [-- --rounds 5 --rows 40 --only filter --database URL]

Sends hostile values as arguments of every kind of field to a gateway of its own, and prints the CPU
time of the server's process for each, and for an ordinary request of the same field: medians
in milliseconds, the worst ratio first. Ends with code 1 if a request was answered with an error of
the server.

  --rounds    how often each request is sent
  --rows      how many lines of the table are printed
  --only      a part of the names of the arguments to measure
  --database  a migrated database with the demo data, and a login for the gateway; without it a new
              one is made
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '40' },
    only: { type: 'string', default: '' },
    database: { type: 'string' },
    help: { type: 'boolean' },
  },
});

/** Code is compiled as it is used. */
const WARM_UP = 20;
/** One that takes longer is sent once. */
const SLOW_MS = 2_000;

interface Cost {
  cpu: number;
  ms: number;
  reply: Reply;
}

interface Measured extends Cost {
  target: string;
  value: string;
  ordinary: Cost;
}

if (options.help) process.stdout.write(USAGE);
else await bench();

async function bench(): Promise<void> {
  const database = await openDemoDatabase(options.database);
  try {
    const gateway = await startGatewayProcess(database);
    try {
      const client = await signIn();
      const measured = await measureAll(gateway, client);
      print(measured);
    } finally {
      await gateway.stop();
    }
  } finally {
    await database.stop();
  }
}

async function measureAll(gateway: GatewayProcess, client: DemoClient): Promise<Measured[]> {
  const known = await readKnown(gateway, client);
  const targets = targetsOf(known).filter(({ name }) => name.includes(options.only));
  const measured: Measured[] = [];
  for (const target of targets) {
    for (let n = 0; n < WARM_UP; n += 1) await ask(gateway, client, target, target.ordinary);
    const ordinary = await costOf(gateway, client, target, target.ordinary);
    if (ordinary.reply.codes.length > 0 || ordinary.reply.status !== 200) {
      throw new Error(`The ordinary request of ${target.name} failed: ${ordinary.reply.text}`);
    }
    for (const { name, value } of target.hostile) {
      const cost = await costOf(gateway, client, target, value);
      measured.push({ ...cost, target: target.name, value: name, ordinary });
    }
  }
  return measured;
}

async function readKnown(gateway: GatewayProcess, client: DemoClient): Promise<Known> {
  const { text } = await send(gateway, client, JSON.stringify({ query: KNOWN_QUERY }));
  const { data } = JSON.parse(text) as { data: Record<string, KnownList> };
  const { campaigns, ...ordered } = data;
  const [campaign] = campaigns?.nodes ?? [];
  if (!campaigns || !campaign) throw new Error(`There is no demo data: ${text}`);
  return {
    campaignId: campaign.id,
    nodeId: campaign.nodeId,
    historyCursor: campaign.history.pageInfo.endCursor,
    liveCursor: campaigns.liveCursor,
    cursors: Object.fromEntries(
      Object.entries(ordered).map(([field, { pageInfo }]) => [field, pageInfo.endCursor]),
    ),
  };
}

interface KnownList {
  liveCursor: string;
  nodes: { id: string; nodeId: string; history: { pageInfo: { endCursor: string } } }[];
  pageInfo: { endCursor: string };
}

function ask(gateway: GatewayProcess, client: DemoClient, target: Target, value: unknown) {
  const body = hostileJson({ query: target.query, variables: { v: value } });
  return send(gateway, client, body, target.accept ? { accept: target.accept } : {});
}

/** Returns the medians of some requests. */
async function costOf(
  gateway: GatewayProcess,
  client: DemoClient,
  target: Target,
  value: unknown,
): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const before = await gateway.cpu();
    const reply = await ask(gateway, client, target, value);
    if (!gateway.isAlive()) throw new Error(`${target.name} has ended the gateway`);
    costs.push({ cpu: (await gateway.cpu()) - before, ms: reply.ms, reply });
    if (reply.ms > SLOW_MS) break;
  }
  return {
    cpu: median(costs.map(({ cpu }) => cpu)),
    ms: median(costs.map(({ ms }) => ms)),
    reply: (costs[0] as Cost).reply,
  };
}

function print(measured: readonly Measured[]): void {
  const sorted = [...measured].sort((a, b) => ratio(b) - ratio(a));
  const lines = sorted
    .slice(0, Number(options.rows))
    .map((each) => [
      ratio(each).toFixed(1),
      each.cpu.toFixed(1),
      each.ordinary.cpu.toFixed(1),
      each.ms.toFixed(0),
      String(each.reply.status),
      each.reply.codes.join(' ') || 'answered',
      `${each.target}: ${each.value}`,
    ]);
  const header = ['ratio', 'CPU', 'ordinary', 'time', 'status', 'code', 'argument: value'];
  for (const line of [header, ...lines]) process.stdout.write(`${row(line)}\n`);
  process.stdout.write(
    `\n${measured.length} hostile values; CPU at most ${Math.max(...measured.map(({ cpu }) => cpu)).toFixed(1)} ms, median ratio ${median(measured.map(ratio)).toFixed(1)}.\n`,
  );
  const faults = measured.filter(({ reply }) => isFault(reply));
  for (const { target, value, reply } of faults) {
    process.stdout.write(
      `A fault of the server: ${target}: ${value}: ${reply.text.slice(0, 200)}\n`,
    );
  }
  if (faults.length > 0) process.exitCode = 1;
}

function isFault({ status, codes }: Reply): boolean {
  return status === 0 || status >= 500 || codes.includes('INTERNAL_SERVER_ERROR');
}

function ratio({ cpu, ordinary }: Measured): number {
  return cpu / Math.max(ordinary.cpu, 0.1);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function row([first = '', ...cells]: readonly string[]): string {
  const widths = [8, 10, 6, 7];
  const numbers = cells.slice(0, 4).map((cell, n) => cell.padStart(widths[n] ?? 0));
  const [code = '', argument = ''] = cells.slice(4);
  return `${first.padStart(7)} ${numbers.join('')}  ${code.padEnd(26)} ${argument}`;
}
