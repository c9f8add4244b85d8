import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { cases } from '../contract/cases.ts';
import type { TestDatabase } from '../support/database.ts';
import { readTables } from '../support/rows.ts';
import { type FuzzReport, fuzz } from './fuzz.ts';
import { PROTECTIONS, withoutProtection } from './policies.ts';
import { CANARY } from './rows.ts';
import { createFuzzWorld, type FuzzWorld } from './world.ts';

const OPERATIONS = 180;
/** A missing protection must be found within so many operations; usually it takes far fewer. */
const MOST = 200;

let world: FuzzWorld;
beforeAll(async () => {
  world = await createFuzzWorld(inject('testServer'), 'tenants');
});
afterAll(() => world?.close());

/** Text columns with the canary in some row, or in none. */
async function markedColumns({ query }: TestDatabase) {
  const found = { marked: [] as string[], unmarked: [] as string[] };
  for (const { name, columns, references } of await readTables(query)) {
    const referring = references.flatMap((reference) => reference.columns);
    for (const { name: column, type, labels, length } of columns) {
      if (labels || referring.includes(column) || !/^(text|character|jsonb)/.test(type)) continue;
      const text = CANARY.slice(0, length ?? CANARY.length);
      const [row] = await query(`select from ${name} where "${column}"::text ilike $1 limit 1`, [
        `%${text}%`,
      ]);
      found[row ? 'marked' : 'unmarked'].push(`${name}.${column}`);
    }
  }
  return found;
}

it('every text column of the other workspace has the canary, and the copy has none', async () => {
  const [whole, alone] = [await markedColumns(world.whole), await markedColumns(world.alone)];
  const shared = cases.filter(({ tenancy }) => tenancy === 'other').map(({ table }) => table);
  const ofWorkspaces = whole.unmarked.filter((column) => !shared.includes(tableOf(column)));
  expect(ofWorkspaces).toEqual([]);
  expect(whole.marked.length).toBeGreaterThan(250);
  expect(alone.marked).toEqual([]);
});

const tableOf = (column: string) => column.replace(/\..*/, '');

/** The share of the fields that so few operations can reach. */
const isWide = ({ fields }: FuzzReport) => fields.reached > fields.all / 5;

it(`${OPERATIONS} random operations leak nothing of another workspace`, {
  timeout: 120_000,
}, async () => {
  const report = await fuzz(world, { seed: 'tenants', operations: OPERATIONS });
  expect(report.problems).toEqual([]);
  expect(report.operations).toBeGreaterThanOrEqual(OPERATIONS);
  expect(report.byOutcome.done).toBeGreaterThan(OPERATIONS / 2);
  expect(report.byOutcome).not.toHaveProperty('GRAPHQL_VALIDATION_FAILED');
  expect(report).toSatisfy(isWide);
});

it.each(Object.entries(PROTECTIONS))(
  'they find a leak without the protection of %s',
  { timeout: 120_000 },
  async (_, { name, about }) => {
    const restore = await Promise.all(
      [world.whole, world.alone].map((database) => withoutProtection(database, name)),
    );
    try {
      const report = await fuzz(world, { seed: name, about, operations: MOST, stopsEarly: true });
      expect(report.problems).toHaveLength(1);
    } finally {
      for (const each of restore) await each();
    }
  },
);
