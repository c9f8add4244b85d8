import { catalog } from '../../generated/catalog.ts';
import { type Check, finding } from './check.ts';
import { REQUIRED_ARRAYS } from './expected.ts';
import {
  postgresType,
  REFERENCES,
  type Reference,
  TABLE_NAMES,
  TABLE_OIDS,
  TABLES,
} from './expected-tables.ts';
import { checks } from './range-check.ts';

const MIGRATE = 'Run npm run db:migrate.';
const COMPARE = 'Find out who changed it (npm run db:status), and undo that or add a migration.';

const tables: Check = {
  id: 'tables',
  title: 'Every table of the Prisma schema is there',
  remedy: MIGRATE,
  async run({ query }) {
    const rows = await query<{ name: string }>(
      `select name from unnest($1::text[]) as name
       where name not in (select relname from pg_class where oid in (${TABLE_OIDS}))`,
      [TABLE_NAMES],
    );
    return finding(
      TABLES.length,
      'tables',
      rows.map(({ name }) => `${name} is missing`),
    );
  },
};

const identity: Check = {
  id: 'identity',
  title: 'auth.users and auth.uid() are what the migrations rely on',
  remedy: 'On Supabase restore schema auth; elsewhere run npm run db:migrate.',
  async run({ query }) {
    const wanted = Object.values(catalog.models.AuthUser?.columns ?? {}).map(
      ({ column }) => column,
    );
    const rows = await query<{ name: string }>(
      `select 'column auth.users.' || name as name from unnest($1::text[]) as name
       where not exists (select from pg_attribute where attrelid = to_regclass('auth.users') and attname = name)
       union all select 'function auth.uid()' where to_regprocedure('auth.uid()') is null`,
      [wanted],
    );
    return finding(
      wanted.length,
      'columns',
      rows.map(({ name }) => `${name} is missing`),
    );
  },
};

const columns: Check = {
  id: 'columns',
  title: 'Columns have the type, nullability and presence of default of the Prisma schema',
  remedy: COMPARE,
  async run({ query }) {
    const rows = await query<{ name: string; type: string; notNull: boolean; default: boolean }>(
      `select relname || '.' || attname as name, format_type(atttypid, atttypmod) as type,
              attnotnull as "notNull", atthasdef as default
       from pg_attribute join pg_class on pg_class.oid = attrelid
       where attrelid in (${TABLE_OIDS}) and attnum > 0 and not attisdropped`,
      [TABLE_NAMES],
    );
    const live = new Map(rows.map((row) => [row.name, row]));
    const problems: string[] = [];
    for (const { table, columns } of TABLES) {
      for (const column of Object.values(columns)) {
        const name = `${table}.${column.column}`;
        const actual = live.get(name);
        live.delete(name);
        if (!actual) {
          problems.push(`${name} is missing`);
          continue;
        }
        const type = postgresType(column);
        if (actual.type !== type) problems.push(`${name} is ${actual.type}, not ${type}`);
        // Prisma calls every list required, because it reads null as an empty one.
        const required = column.isList
          ? column.hasDefault || REQUIRED_ARRAYS.includes(name)
          : column.isRequired;
        if (actual.notNull !== required) {
          problems.push(`${name} ${required ? 'allows null' : 'does not allow null'}`);
        }
        if (actual.default !== column.hasDefault) {
          problems.push(`${name} has ${column.hasDefault ? 'no' : 'a'} default`);
        }
      }
    }
    for (const name of live.keys()) problems.push(`${name} is not in the Prisma schema`);
    return finding(rows.length, 'columns', problems);
  },
};

const enums: Check = {
  id: 'enums',
  title: 'Enumerations have the labels of the Prisma schema, in its order',
  remedy: COMPARE,
  async run({ query }) {
    const rows = await query<{ type: string; labels: string[] }>(
      `select typname as type, array_agg(enumlabel::text order by enumsortorder) as labels
       from pg_type join pg_enum on enumtypid = pg_type.oid
       where typnamespace = 'public'::regnamespace group by typname`,
    );
    const live = new Map(rows.map(({ type, labels }) => [type, labels.join(', ')]));
    const problems = Object.values(catalog.enums).flatMap(({ type, values }) => {
      const actual = live.get(type) ?? 'missing';
      const labels = values.map(({ name }) => name).join(', ');
      return actual === labels ? [] : [`${type} is ${actual}; it should be ${labels}`];
    });
    return finding(Object.keys(catalog.enums).length, 'enumerations', problems);
  },
};

const primaryKeys: Check = {
  id: 'primary-keys',
  title: 'Every table has a primary key',
  remedy: 'Restore the primary key that its migration declares.',
  async run({ query }) {
    const rows = await query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where (oid in (${TABLE_OIDS}) or relnamespace = to_regnamespace('gateway') and relkind = 'r')
         and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)
       order by 1`,
      [TABLE_NAMES],
    );
    return finding(
      TABLES.length,
      'tables',
      rows.map(({ name }) => `${name} has none`),
    );
  },
};

function describe({ table, columns, target, targetColumns }: Reference): string {
  return `${table} (${columns.join(', ')}) > ${target} (${targetColumns.join(', ')})`;
}

const references: Check = {
  id: 'references',
  title: 'Every relation of the Prisma schema is a valid foreign key, and no other is there',
  remedy: 'Restore the foreign key that its migration declares; validate one that is NOT VALID.',
  async run({ query }) {
    const rows = await query<Reference & { valid: boolean }>(
      `with names as (select attrelid, attnum, attname::text from pg_attribute)
       select source.relname as table, schema.nspname || '.' || target.relname as target,
              array(select attname from unnest(conkey) with ordinality as k(attnum, n)
                    join names using (attnum) where attrelid = conrelid order by n) as columns,
              array(select attname from unnest(confkey) with ordinality as k(attnum, n)
                    join names using (attnum) where attrelid = confrelid order by n) as "targetColumns",
              convalidated and not exists (
                select from pg_trigger where tgconstraint = pg_constraint.oid and tgenabled = 'D'
              ) as valid
       from pg_constraint
       join pg_class as source on source.oid = conrelid
       join pg_class as target on target.oid = confrelid
       join pg_namespace as schema on schema.oid = target.relnamespace
       where contype = 'f' and conrelid in (${TABLE_OIDS})`,
      [TABLE_NAMES],
    );
    const expected = new Set(REFERENCES.map(describe));
    const valid = new Set(rows.filter((row) => row.valid).map(describe));
    return finding(rows.length, 'foreign keys', [
      ...[...expected].filter((name) => !valid.has(name)).map((name) => `${name} is not enforced`),
      ...rows
        .map(describe)
        .filter((name) => !expected.has(name))
        .map((name) => `${name} is not in the Prisma schema`),
    ]);
  },
};

const setNull: Check = {
  id: 'set-null',
  title: 'ON DELETE SET NULL names only columns that may be null',
  remedy: 'Restore the column list of ON DELETE SET NULL (...) that its migration declares.',
  async run({ query }) {
    const rows = await query<{ name: string; columns: string[] }>(
      `select conrelid::regclass || '.' || conname as name,
              array(select attname::text from pg_attribute
                    where attrelid = conrelid and attnotnull
                      and attnum = any(coalesce(nullif(confdelsetcols, '{}'), conkey))) as columns
       from pg_constraint where contype = 'f' and confdeltype = 'n' and conrelid in (${TABLE_OIDS})
       order by 1`,
      [TABLE_NAMES],
    );
    const wrong = rows.filter(({ columns }) => columns.length > 0);
    return finding(
      rows.length,
      'foreign keys',
      wrong.map(({ name, columns }) => `${name} would set ${columns.join(', ')} to null`),
    );
  },
};

/** Checks that the database has everything that the Prisma schema describes. */
export const structureChecks = [
  tables,
  identity,
  columns,
  enums,
  primaryKeys,
  references,
  setNull,
  checks,
];
