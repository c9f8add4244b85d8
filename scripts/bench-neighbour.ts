// Measures how much one tenant's most expensive requests slow another tenant down: the other one sends
// an ordinary request at a steady pace, in turn while there are no other requests and while one
// expensive request after the other is running.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { documents, knownIds, type Measured } from './bench-cost/documents.ts';
import {
  type DemoClient,
  type GatewayProcess,
  openDemoDatabase,
  send,
  signIn,
  startGatewayProcess,
} from './bench-hostile/gateway-process.ts';

const USAGE = `Usage: npm run bench:neighbour [-- --scale 10 --rounds 5 --seconds 4 --rate 20 --only count]

Prints for each expensive request: its time, the gateway's CPU for it, how long it blocks the gateway's event
loop at most, and the p95 of a neighbour's request
in another workspace meanwhile, as a ratio to that of a quiet period: medians of the rounds, the worst
ratio first. Requests that are refused for their cost are left out.

  --scale    how much demo data there is
  --rounds   how often quiet and busy periods take turns
  --seconds  how long each of them lasts
  --rate     how many requests a second the neighbour sends
  --only     a part of the names of the expensive requests to measure
`;
const NEIGHBOUR =
  '{ campaigns(first: 20) { nodes { name status positioning { name } quests(first: 5) { nodes { name status } } } } }';
/** Places in the lists of the demo's people and workspaces: the Owners of two workspaces. */
const TENANT = [0, 0] as const;
const OTHER = [5, 1] as const;
const WARM_UP = 40;

const { values: options } = parseArgs({
  options: {
    scale: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    rate: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean' },
  },
});

if (options.help) process.stdout.write(USAGE);
else await bench();

interface Row {
  name: string;
  ms: number;
  cpu: number;
  block: number;
  quiet: number;
  busy: number;
  ratio: number;
}

async function bench(): Promise<void> {
  const database = await openDemoDatabase(undefined, Number(options.scale));
  const gateway = await startGatewayProcess(database);
  try {
    const [tenant, neighbour] = await Promise.all([signIn(...TENANT), signIn(...OTHER)]);
    const known = await knownIds(database.ownerUrl);
    for (let n = 0; n < WARM_UP; n += 1) await send(gateway, neighbour, body({ query: NEIGHBOUR }));
    const rows: Row[] = [];
    for (const expensive of documents(known).filter(({ name }) => name.includes(options.only))) {
      const row = await measure(gateway, tenant, neighbour, expensive);
      if (row) rows.push(row);
    }
    rows.sort((one, other) => other.ratio - one.ratio);
    print([
      'expensive request',
      'its ms',
      'its CPU',
      'its block',
      'quiet p95',
      'busy p95',
      'ratio',
    ]);
    for (const { name, ms, cpu, block, quiet, busy, ratio } of rows) {
      print([
        name,
        ...[ms, cpu, block, quiet, busy].map((each) => each.toFixed(1)),
        ratio.toFixed(2),
      ]);
    }
  } finally {
    await gateway.stop();
    await database.stop();
  }
}

/** Returns the effect of an expensive request on the neighbour; null for one that is refused. */
async function measure(
  gateway: GatewayProcess,
  tenant: DemoClient,
  neighbour: DemoClient,
  expensive: Measured,
): Promise<Row | null> {
  const first = await send(gateway, tenant, body(expensive));
  if (first.status !== 200 || first.codes.length > 0) return null;
  const before = await gateway.cpu();
  const { ms } = await send(gateway, tenant, body(expensive));
  const block = await gateway.longestBlock();
  const cpu = (await gateway.cpu()) - before;
  const rounds: { quiet: number; busy: number }[] = [];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    const quiet = await p95Of(gateway, neighbour);
    let isOver = false;
    const attack = (async () => {
      while (!isOver) await send(gateway, tenant, body(expensive));
    })();
    const busy = await p95Of(gateway, neighbour);
    isOver = true;
    await attack;
    rounds.push({ quiet, busy });
  }
  const [quiet, busy, ratio] = [
    rounds.map((round) => round.quiet),
    rounds.map((round) => round.busy),
    rounds.map((round) => round.busy / round.quiet),
  ].map((each) => quantile(each, 0.5)) as [number, number, number];
  return { name: expensive.name, ms, cpu, block, quiet, busy, ratio };
}

/** Returns the p95 of the neighbour's requests, in milliseconds, each from the time it was due. */
async function p95Of(gateway: GatewayProcess, neighbour: DemoClient): Promise<number> {
  const [count, pause] = [
    Number(options.seconds) * Number(options.rate),
    1_000 / Number(options.rate),
  ];
  const begun = performance.now();
  const times = Array.from({ length: count }, async (_, n) => {
    const due = begun + n * pause;
    await delay(due - performance.now());
    const { status, codes } = await send(gateway, neighbour, body({ query: NEIGHBOUR }));
    if (status !== 200 || codes.length > 0)
      throw new Error(`The neighbour was refused: ${status} ${codes}`);
    return performance.now() - due;
  });
  return quantile(await Promise.all(times), 0.95);
}

function body({ query, variables }: Pick<Measured, 'query' | 'variables'>): string {
  return JSON.stringify({ query, variables });
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

function print([name = '', ...cells]: readonly string[]): void {
  process.stdout.write(`${name.padEnd(48)}${cells.map((cell) => cell.padStart(11)).join('')}\n`);
}
