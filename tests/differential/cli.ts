import { parseArgs } from 'node:util';
import { copyDatabase } from '../fuzz/databases.ts';
import { openDatabase } from '../support/database.ts';
import { openTestServer } from '../support/global-setup.ts';
import { databaseUrl } from '../support/server.ts';
import { compareReads, type Report } from './differential.ts';
import { measureMemory } from './distinct.ts';
import { createStage } from './stage.ts';

const USAGE = `Usage: npm run fuzz:reads -- [options]
  --documents <number>  how many to send. Default: 20000
  --seed <text>         decides all that is random. Default: a random one
  --first               ends at the first difference
  --distinct            compiles documents that are all different, and prints the memory in use`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now()) },
    first: { type: 'boolean', default: false },
    distinct: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const documents = Number(values.documents);
if (values.help || !(documents > 0)) {
  print(USAGE);
  process.exit(values.help ? 0 : 1);
}

const { server, teardown } = await openTestServer();
// A run that is stopped still prints its findings.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
let isRight = true;
try {
  const name = `${server.prefix}reads`;
  await copyDatabase(server, `${server.prefix}migrated`, name);
  const stage = await createStage(
    openDatabase(databaseUrl(server.url, name), server.gatewayPassword, 4),
  );
  const options = { seed: values.seed, documents, signal: stop.signal, onProgress: print };
  if (values.distinct) await measureMemory(stage, options);
  else {
    const report = await compareReads(stage, { ...options, stopsEarly: values.first });
    printReport(report);
    isRight = report.differences.length === 0;
  }
  await stage.close();
} finally {
  await teardown();
}
process.exit(isRight ? 0 : 1);

function printReport({
  documents,
  requests,
  compiled,
  byViewer,
  byOutcome,
  differences,
}: Report): void {
  for (const [n, { index, viewer, request, detail, answers }] of differences.entries()) {
    print(`\nDifference ${n + 1}: document ${index}, as ${viewer}`);
    print(`${request.query}\n${JSON.stringify(request.variables)}\n${detail}`);
    print(`compiled: ${answers[0].text.slice(0, 4_000)}`);
    print(`executed: ${answers[1].text.slice(0, 4_000)}`);
  }
  print(`\nSeed ${values.seed}: ${documents} documents, ${requests} requests`);
  for (const [viewer, count] of Object.entries(byViewer)) print(`  ${viewer}: ${count}`);
  print('Answers, by the code of the first error:');
  for (const [code, count] of Object.entries(byOutcome)) print(`  ${code}: ${count}`);
  print('Compiled:');
  for (const [extent, count] of Object.entries(compiled)) print(`  ${extent}: ${count}`);
  print(`Differences: ${differences.length}`);
}
