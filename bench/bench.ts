import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AGGREGATES } from './aggregates.ts';
import { openDatabase } from './bench-database.ts';
import { measureFewRows, measureGrowth } from './growth.ts';
import { measure } from './measure.ts';
import { machine, type Results, resultsOf } from './medians.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { installPeers, versions } from './peers.ts';
import { plot } from './plot.ts';
import { report } from './report.ts';
import { REQUESTS } from './requests.ts';
import { verify } from './same-answers.ts';
import { measureWorkflows } from './workflows.ts';

const LATEST = fileURLToPath(new URL('results/latest.json', import.meta.url));

// Servers are stopped when this process exits, which a signal alone does not cause.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = readOptions(process.argv.slice(2));
if (!options) process.stdout.write(USAGE);
else if (options.workflows) {
  await installPeers(showStep);
  process.stdout.write(await measureWorkflows(showStep));
} else {
  const results = options.from
    ? (JSON.parse(await readFile(options.from, 'utf8')) as Results)
    : await bench(options);
  process.stdout.write(report(results));
  if (options.plot) await writeFile(options.plot, plot(results));
}

async function bench(options: Options): Promise<Results> {
  await installPeers(showStep);
  const { only, servers, scale, rounds, seconds } = options;
  const all = options.aggregates ? AGGREGATES : REQUESTS;
  const requests = all.filter(({ name }) => only.length === 0 || only.includes(name));
  if (requests.length === 0) throw new Error(`There is no request ${only.join()}`);
  const database = await openDatabase(scale, showStep);
  let results: Results;
  try {
    showStep('Comparing answers');
    const counts = await verify(database, servers, requests);
    const { measured, facts } = await measure(database, requests, options, showStep);
    const growth = options.growth ? await measureGrowth(database, options, showStep) : [];
    results = {
      at: new Date().toISOString(),
      machine: machine(),
      versions: versions(),
      scale,
      rows: database.rows,
      rounds,
      seconds,
      servers: facts,
      results: [...resultsOf(measured, counts), ...growth],
    };
  } finally {
    await database.stop();
  }
  if (options.growth) {
    const few = await measureFewRows(options, showStep);
    results = { ...results, results: [...results.results, ...few] };
  }
  await mkdir(fileURLToPath(new URL('results', import.meta.url)), { recursive: true });
  await writeFile(LATEST, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

function showStep(step: string): void {
  process.stderr.write(`${step} ...\n`);
}
