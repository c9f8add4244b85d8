import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openDatabase } from './bench-database.ts';
import { measureFewRows, measureGrowth } from './growth.ts';
import { measure } from './measure.ts';
import { machine, type Results, resultsOf, versions } from './medians.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { plot } from './plot.ts';
import { report } from './report.ts';
import { REQUESTS } from './requests.ts';
import { verify } from './same-answers.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const LATEST = fileURLToPath(new URL('results/latest.json', import.meta.url));

const options = readOptions(process.argv.slice(2));
if (!options) process.stdout.write(USAGE);
else {
  const results = options.from
    ? (JSON.parse(await readFile(options.from, 'utf8')) as Results)
    : await bench(options);
  process.stdout.write(report(results));
  if (options.plot) await writeFile(options.plot, plot(results));
}

async function bench(options: Options): Promise<Results> {
  await installPeers();
  const { only, servers, scale, rounds, seconds } = options;
  const requests = REQUESTS.filter(({ name }) => only.length === 0 || only.includes(name));
  if (requests.length === 0) throw new Error(`There is no request ${only.join()}`);
  const database = await openDatabase(scale, tell);
  let results: Results;
  try {
    tell('Comparing answers');
    const counts = await verify(database, servers, requests);
    const { measured, facts } = await measure(database, requests, options, tell);
    const growth = options.growth ? await measureGrowth(database, options, tell) : [];
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
    const few = await measureFewRows(options, tell);
    results = { ...results, results: [...results.results, ...few] };
  }
  await mkdir(fileURLToPath(new URL('results', import.meta.url)), { recursive: true });
  await writeFile(LATEST, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

/** PostGraphile and its Node are dependencies of the bench alone. */
async function installPeers(): Promise<void> {
  if (existsSync(`${FOLDER}node_modules/node/bin/node`)) return;
  tell('Installing PostGraphile');
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER });
}

function tell(step: string): void {
  process.stderr.write(`${step} ...\n`);
}
