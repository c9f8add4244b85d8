import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REFERENCES, TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import type { Actor } from '../support/database.ts';
import { insertOf, type Row } from '../support/rows.ts';
import { A, MEMBERS, Tenants } from './tenancy-fixture.ts';

let tenants: Tenants;
beforeAll(async () => {
  tenants = await Tenants.create();
});
afterAll(() => tenants.database.close());

const WRITERS: [string, Actor][] = [
  ['an Owner', { userId: MEMBERS.Owner, workspaceId: A }],
  ['service_role', { role: 'service_role', workspaceId: A }],
];

// The other column of a composite reference is the row's own workspace.
const withoutWorkspace = (names: string[]) => names.find((name) => name !== 'workspace_id') ?? '';
const references = REFERENCES.filter(({ columns }) => columns.length > 1).map((reference) => ({
  table: reference.table,
  target: reference.target.replace('public.', ''),
  column: withoutWorkspace(reference.columns),
  targetColumn: withoutWorkspace(reference.targetColumns),
}));

test('every reference between tenant tables includes the workspace', () => {
  const loose = REFERENCES.filter(({ target, columns, targetColumns }) => {
    const name = target.replace('public.', '');
    if (!TABLE_NAMES.includes(name) || !tenants.isTenant(name)) return false;
    const place = columns.indexOf('workspace_id');
    return place < 0 || targetColumns[place] !== 'workspace_id';
  });
  expect(loose).toEqual([]);
});

describe.each(references)('$table.$column', ({ table, column, target, targetColumn }) => {
  test.each(WRITERS)('a row of another workspace does not exist for %s', async (_, actor) => {
    const foreign = tenants.rowsOfB.get(target)?.[0]?.[targetColumn];
    expect(foreign).toBeDefined();
    const { id } = tenants.rowOf(A, table, MEMBERS.Owner);
    const refusals = async (value: unknown) => {
      const insert = tenants.newRow(table, { [column]: value });
      const update = `update ${table} set "${column}" = $1 where id = $2`;
      return [
        await tenants.refusal(actor, insert.sql, insert.values, [value]),
        await tenants.refusal(actor, update, [value, id], [value]),
      ];
    };
    const refused = await refusals(foreign);
    expect(refused).toEqual(await refusals(randomUUID()));
    if (actor.role === 'service_role') {
      expect(refused).toMatchObject([{ code: '23503' }, { code: '23503' }]);
    }
  });
});

const copied = [...new Set(references.map(({ table }) => table))];

describe.each(copied)('%s', (table) => {
  test.each(WRITERS)('%s cannot copy a row of another workspace', async (_, actor) => {
    const columns = references.filter((reference) => reference.table === table);
    const original = tenants.rowsOfB
      .get(table)
      ?.find((row) => columns.every(({ column }) => row[column] !== null));
    if (!original) throw new Error(`${table} has no row with every reference.`);
    const copy = (replacement: (column: string) => unknown) => {
      const changed: Row = { ...original, id: randomUUID(), workspace_id: A };
      const values = columns.map(({ column }) => {
        changed[column] = replacement(column);
        return changed[column];
      });
      const { sql, values: parameters } = insertOf(table, encode(changed));
      return tenants.refusal(actor, sql, parameters, values);
    };
    expect(await copy((column) => original[column])).toEqual(await copy(() => randomUUID()));
  });
});

/** Returns the row with its JSON as text: the driver would send an array as an array of Postgres. */
function encode(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const json = value !== null && typeof value === 'object' && !Array.isArray(value);
      return [name, json && !(value instanceof Date) ? JSON.stringify(value) : value];
    }),
  );
}
