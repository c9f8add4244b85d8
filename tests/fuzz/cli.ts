import { parseArgs } from 'node:util';
import { openTestServer } from '../support/global-setup.ts';
import { type FuzzReport, fuzz } from './fuzz.ts';
import { withoutProtection } from './policies.ts';
import { createFuzzWorld } from './world.ts';

const USAGE = `Usage: npm run fuzz:tenants -- [options]
  --operations <number> how many to send. Default: 20000
  --seed <text>         decides all that is random. Default: a random one
  --from <index>        sends operations of the seed from this one on: to see a problem again
  --about <type>        begins at fields of this type only, such as Campaign
  --without <name>      a table or view: shows its rows to everybody, and expects problems
  --missing             print the fields of the schema that were not reached`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now()) },
    from: { type: 'string', default: '0' },
    about: { type: 'string' },
    without: { type: 'string' },
    missing: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const operations = Number(values.operations);
const from = Number(values.from);
if (values.help || !(operations > 0) || !(from >= 0)) {
  print(USAGE);
  process.exit(values.help ? 0 : 1);
}

const { server, teardown } = await openTestServer();
// A run that is stopped still prints its findings.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
let isRight = false;
try {
  const world = await createFuzzWorld(server, 'fuzz');
  if (values.without) {
    for (const each of [world.whole, world.alone]) await withoutProtection(each, values.without);
  }
  const stopsEarly = values.without !== undefined;
  const report = await fuzz(world, {
    seed: values.seed,
    operations,
    from,
    about: values.about,
    signal: stop.signal,
    stopsEarly,
    onProgress: print,
  });
  printReport(report);
  isRight = report.problems.length > 0 === stopsEarly;
  await world.close();
} finally {
  await teardown();
}
process.exit(isRight ? 0 : 1);

function printReport({ fields, problems, byActor, byOutcome, seed, ...figures }: FuzzReport): void {
  for (const [n, { index, actor, kind, detail, request }] of problems.entries()) {
    print(
      `\nProblem ${n + 1}: ${kind}, as ${actor}; again with --seed ${seed} --from ${index} --operations 1`,
    );
    print(`${request.query}\n${JSON.stringify(request.variables)}`);
    print(detail);
  }
  print(`\nSeed ${seed}: ${figures.operations} operations, ${figures.seconds} s`);
  for (const [name, count] of Object.entries(byActor)) print(`  ${name}: ${count}`);
  print('Answers, by the code of the first error:');
  for (const [name, count] of Object.entries(byOutcome)) print(`  ${name}: ${count}`);
  const percent = ((100 * fields.reached) / fields.all).toFixed(1);
  print(`Fields of the schema reached: ${fields.reached} of ${fields.all}, ${percent} %`);
  if (values.missing) for (const field of fields.missing) print(`  ${field}`);
  print(`Problems: ${problems.length}`);
}
