import { parseArgs } from 'node:util';
import { Cluster } from './cluster.ts';
import { type TortureReport, torture } from './torture.ts';

const USAGE = `Usage: npm run torture -- [options]
  --seed <text>         decides all that is random; may be given several times. Default: a random one
  --minutes <number>    how long to write with each seed. Default: 1
  --deliveries <number> stop writing after so many deliveries; then --minutes is the longest time
  --replicas <number>   gateways. Default: 1
  --broker <name>       nats or redis: broker of the replicas, which fails, too
  --devices <number>    how many clients each subscription has. Default: 1
  --pause <ms>          how long writers wait between transactions, on average. Default: 40
  --trouble <ms>        how long to wait between two troubles, on average. Default: 2000
  --built               run the output of \`npm run build\`, which starts faster
  --immediate           crash Postgres, too
  --naively             read the log in ways that lose changes, too, and count those
  --writers <number>    by SQL; half as many by GraphQL. Default: 6`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    seed: { type: 'string', multiple: true },
    minutes: { type: 'string', default: '1' },
    deliveries: { type: 'string' },
    replicas: { type: 'string', default: '1' },
    broker: { type: 'string' },
    devices: { type: 'string', default: '1' },
    pause: { type: 'string', default: '40' },
    trouble: { type: 'string', default: '2000' },
    built: { type: 'boolean', default: false },
    writers: { type: 'string', default: '6' },
    immediate: { type: 'boolean', default: false },
    naively: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const { broker } = values;
if (values.help || (broker !== undefined && broker !== 'nats' && broker !== 'redis')) {
  print(USAGE);
  process.exit(values.help ? 0 : 1);
}

const seeds = values.seed ?? [String(Date.now())];
const cluster = await Cluster.start({
  replicas: Number(values.replicas),
  ...(broker ? { broker } : {}),
  ...(values.built ? { script: 'dist/src/main.js' } : {}),
});
process.once('SIGINT', () => void cluster.stop().finally(() => process.exit(130)));
process.once('SIGTERM', () => void cluster.stop().finally(() => process.exit(143)));
let isRight = true;
try {
  for (const seed of seeds) {
    print(`Seed ${seed}`);
    const report = await torture(cluster, {
      seed,
      durationMs: Number(values.minutes) * 60_000,
      ...(values.deliveries ? { deliveries: Number(values.deliveries) } : {}),
      devices: Number(values.devices),
      sqlWriters: Number(values.writers),
      graphqlWriters: Math.ceil(Number(values.writers) / 2),
      pauseMs: Number(values.pause),
      troubleMs: Number(values.trouble),
      immediate: values.immediate,
      naively: values.naively,
      onProgress: print,
    });
    isRight = printReport(report) && isRight;
  }
} finally {
  await cluster.stop();
}
process.exit(isRight ? 0 : 1);

/** Prints the report, and returns whether nothing is wrong. */
function printReport({ seed, events, lostNaively, ...report }: TortureReport): boolean {
  const { lost, twice, disordered, foreign, stale, problems, ...figures } = report;
  const wrong = { lost, twice, disordered, foreign, stale, problems };
  for (const [name, count] of Object.entries(events)) print(`  ${name}: ${count}`);
  for (const [name, count] of Object.entries(lostNaively)) print(`lost by a ${name}: ${count}`);
  for (const [name, value] of Object.entries(figures)) print(`${name}: ${value}`);
  for (const [name, list] of Object.entries(wrong)) {
    print(`${name}: ${list.length}`);
    for (const each of list.slice(0, 60)) print(`  ${each}`);
  }
  const isWrong = Object.values(wrong).some((list) => list.length > 0);
  if (isWrong) print(`Repeat with --seed ${seed}`);
  return !isWrong;
}
