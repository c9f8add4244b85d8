import { type BenchDatabase, openDatabase } from './bench-database.ts';
import { measure } from './measure.ts';
import { type Result, resultsOf } from './medians.ts';
import type { Options } from './options.ts';
import { aliases, type BenchRequest, chain, cursor, dashboard, page } from './requests.ts';
import { verify } from './same-answers.ts';

const CONNECTIONS = [10];
/** Servers are started for each series. */
const WARM_UP = 1_000;
/** How much less data there is in the comparison of rows. */
const LESS = 100;

const SERIES: Readonly<Record<string, readonly BenchRequest[]>> = {
  'page size': [10, 50, 100].map(page),
  depth: [1, 2, 3, 4, 5, 6].map(chain),
  aliases: [1, 2, 4, 8, 16].map(aliases),
};

/** Measures how times grow with what is asked for, on this database. */
export async function measureGrowth(
  database: BenchDatabase,
  options: Options,
  onProgress: (step: string) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [series, requests] of Object.entries(SERIES)) {
    onProgress(`Growth of ${series}`);
    results.push(...(await measureSeries(series, database, requests, options, onProgress)));
  }
  onProgress('Growth of rows');
  results.push(...(await measureRows(database, options, onProgress)));
  return results;
}

/** Measures the same on data a hundredth of the size. Only one Postgres is busy at a time. */
export async function measureFewRows(
  options: Options,
  onProgress: (step: string) => void,
): Promise<Result[]> {
  const database = await openDatabase(options.scale / LESS, onProgress);
  try {
    return await measureRows(database, options, onProgress);
  } finally {
    await database.stop();
  }
}

function measureRows(
  database: BenchDatabase,
  options: Options,
  onProgress: (step: string) => void,
) {
  const series = `rows: ${database.rows.toLocaleString('en')}`;
  return measureSeries(series, database, [page(50), dashboard, cursor], options, onProgress);
}

async function measureSeries(
  series: string,
  database: BenchDatabase,
  requests: readonly BenchRequest[],
  options: Options,
  onProgress: (step: string) => void,
): Promise<Result[]> {
  const counts = await verify(database, options.servers, requests);
  const settings = { ...options, connections: CONNECTIONS, warmUp: WARM_UP };
  const { measured } = await measure(database, requests, settings, onProgress);
  return resultsOf(measured, counts).map((result) => ({ series, ...result }));
}
