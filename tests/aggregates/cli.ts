import { parseArgs } from 'node:util';
import { createVariedWorld } from '../contract/varied.ts';
import { copyDatabase } from '../fuzz/databases.ts';
import { openDatabase } from '../support/database.ts';
import { openTestServer } from '../support/global-setup.ts';
import { databaseUrl } from '../support/server.ts';
import { compareAggregates, spreadMoments } from './compared.ts';

const USAGE = `Usage: npm run fuzz:aggregates -- [options]
  --aggregates <number>  how many to compare with plain SQL. Default: 2000
  --seed <text>          decides all that is random. Default: a random one`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    aggregates: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now()) },
    help: { type: 'boolean', default: false },
  },
});
const count = Number(values.aggregates);
if (values.help || !(count > 0)) {
  print(USAGE);
  process.exit(values.help ? 0 : 1);
}

const { server, teardown } = await openTestServer();
let isRight = false;
try {
  const name = `${server.prefix}aggregates`;
  await copyDatabase(server, `${server.prefix}migrated`, name);
  const database = openDatabase(databaseUrl(server.url, name), server.gatewayPassword, 4);
  const world = await createVariedWorld({ database, rows: 30 });
  await spreadMoments(world);
  const options = { seed: values.seed, count };
  const { compared, nested, groups, disagreements } = await compareAggregates(world, options);
  for (const { index, field, variables, error, found, meant, sql } of disagreements) {
    print(`\nAggregate ${index}: ${field}\n${JSON.stringify(variables)}`);
    print(`found: ${JSON.stringify(error ?? found)}\nmeant: ${JSON.stringify(meant)}\n${sql}`);
  }
  print(`Seed ${values.seed}: ${compared} aggregates, ${nested} of related rows, ${groups} groups`);
  print(`Disagreements: ${disagreements.length}`);
  isRight = disagreements.length === 0;
  await world.close();
} finally {
  await teardown();
}
process.exit(isRight ? 0 : 1);
