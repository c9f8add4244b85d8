import { type Check, finding, type Query } from './check.ts';
import { TABLE_NAMES, TABLE_OIDS } from './expected-tables.ts';
import { RANGES, type Range } from './ranges.ts';

/** How many of the rows that violate a constraint are named. */
const NAMED = 10;

/** Checks that the constraints exist, and names older rows that violate them. */
export const checks: Check = {
  id: 'check-constraints',
  title: 'Ranges, weights and finite values are guarded by their CHECK constraints',
  remedy:
    "Correct the rows that are named. Then, for a constraint that is NOT VALID: ALTER TABLE ... VALIDATE CONSTRAINT ...; for one that is missing: run the migration that declares it again, or CALL gateway.require_finite('...') for those named _finite.",
  async run({ query }) {
    const rows = await query<{ name: string; definition: string }>(
      `select relname || '.' || conname as name, pg_get_constraintdef(pg_constraint.oid) as definition
       from pg_constraint join pg_class on pg_class.oid = conrelid
       where contype = 'c' and conrelid in (${TABLE_OIDS})`,
      [TABLE_NAMES],
    );
    const live = new Map(rows.map(({ name, definition }) => [name, definition]));
    const problems: string[] = [];
    for (const range of RANGES) {
      const name = `${range.table}.${range.name}`;
      const actual = live.get(name) ?? 'missing';
      if (actual === `CHECK (${range.condition})`) continue;
      const state = actual.endsWith(' NOT VALID') ? 'NOT VALID' : actual;
      const violations = await violationsOf(query, range);
      problems.push(`${name} is ${state}; it should be CHECK (${range.condition})${violations}`);
    }
    return finding(RANGES.length, 'constraints', problems);
  },
};

/** Names the rows that violate a constraint which is not enforced; empty if none does. */
async function violationsOf(query: Query, { table, column, condition }: Range): Promise<string> {
  const [present] = await query(
    `select from pg_attribute
     where attrelid = to_regclass('public.' || quote_ident($1)) and attname = $2 and not attisdropped`,
    [table, column],
  );
  if (!present) return '';
  const rows = await query<{ id: string; value: string; total: number }>(
    `select coalesce(to_jsonb(t) ->> 'id', ctid::text) as id, left("${column}"::text, 40) as value, count(*) over ()::int as total
     from public."${table}" as t where not (${condition}) order by 1 limit ${NAMED}`,
  );
  if (rows.length === 0) return '';
  const more = (rows[0]?.total ?? 0) > NAMED ? ', ...' : '';
  const named = rows.map(({ id, value }) => `${id} (${value})`).join(', ');
  return `; ${rows[0]?.total} rows violate it by ${column}: ${named}${more}`;
}
