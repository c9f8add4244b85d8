import type { Query } from '../support/database.ts';
import { isTenant, readTables, type Table } from '../support/rows.ts';

const MOMENTS = ['infinity', '10000-01-01', '0044-03-15 BC', '-infinity', '12000-01-01'];
/** Values that no answer can show, as in rows that are older than the checks. */
const BAD: Record<string, readonly string[]> = {
  'timestamp with time zone': MOMENTS,
  date: MOMENTS,
  numeric: ['NaN'],
  'double precision': ['Infinity', 'NaN'],
};

const TEXTS = [
  'two\nlines\tand "quotes" \\ back',
  '\u0001 \u007f \u2028 \ufeff \u{1f600} </script>',
  "it's $1 :x ? %s {}",
  ' ',
];
/** Values that are hard to print. */
const HARD: Record<string, readonly string[]> = {
  text: TEXTS,
  'text[]': ['{"a,b","\\"q\\"","NULL"}', '{"\u0001\u2028","a\nb",""}', '{}'],
  jsonb: [
    '{"n": 12345678901234567890, "d": 1.10, "e": 1e25, "f": -0.0, "1": "one"}',
    '{"t": "\\u0001 \\u2028 \\\\ \\" </script>", "": [[], {}, null]}',
    'null',
    '"\\n"',
  ],
  numeric: ['100.00', '-0.000', '1e30', '0.000000000000000000001'],
  'double precision': ['1e-7', '1e20', '123456789012345680000', '0.1'],
};
const HARD_ROWS = 3;

/** Gives two rows of every table to another workspace, and some rows unusual values. */
export async function plantOddRows(
  plant: Query,
  query: Query,
  { workspaceId, other }: { workspaceId: string; other: string },
): Promise<void> {
  for (const [n, table] of (await readTables(query)).entries()) {
    const { name, columns } = table;
    const nth = (offset: number) =>
      `id = (select id from ${name} order by id desc offset ${offset} limit 1)`;
    if (isTenant(table) && columns.some((column) => column.name === 'workspace_id')) {
      await plant(
        `update ${name} set workspace_id = $1 where workspace_id = $2 and id in
           (select id from ${name} order by id limit 2)`,
        [other, workspaceId],
      );
    }
    // Answers of most tables should have no errors.
    const bad = columnsOf(table, BAD);
    if (n % 4 === 0)
      await set(plant, table, bad.slice(-1 - (n % bad.length)).slice(0, 1), BAD, n, nth(0));
    for (let row = 1; row <= HARD_ROWS; row += 1) {
      await set(plant, table, columnsOf(table, HARD), HARD, n + row, nth(row));
    }
  }
}

type Columns = Table['columns'];

function columnsOf({ columns }: Table, values: Record<string, readonly string[]>): Columns {
  return columns.filter(({ type, labels }) => type in values && !labels);
}

async function set(
  plant: Query,
  { name }: Table,
  columns: Columns,
  values: Record<string, readonly string[]>,
  n: number,
  where: string,
): Promise<void> {
  for (const [i, { name: column, type }] of columns.entries()) {
    const value = values[type]?.[(n + i) % (values[type]?.length ?? 1)];
    // Links by name and unique values stay unchanged.
    if (/name$|_key$|slug$|^id$/.test(column)) continue;
    await plant(`update ${name} set "${column}" = $1 where ${where}`, [value]);
  }
}
