import { GUARDED_COLUMNS, SECRET_COLUMNS } from '../secret-columns.ts';
import { type Check, finding } from './check.ts';
import { BILLING_TABLES } from './expected.ts';

/** Checks that only Owners see billing. */
export const billing: Check = {
  id: 'billing',
  title: 'Billing is read by Owners, and by agents with the scope for it',
  remedy: 'Run 007_people_and_billing again.',
  async run({ query }) {
    const rows = await query<{ name: string }>(
      `select polname || ' shows ' || relname || ' to others' as name
       from pg_policy join pg_class on pg_class.oid = polrelid
       where relnamespace = 'public'::regnamespace and relname = any($1) and polpermissive
         and polcmd in ('r', '*') and pg_get_expr(polqual, polrelid) !~ 'reads_billing\\(\\)'
       order by 1`,
      [BILLING_TABLES],
    );
    return finding(
      BILLING_TABLES.length,
      'tables',
      rows.map(({ name }) => name),
    );
  },
};

/**
 * Checks that histories have no secret columns, and that clients have no privilege on guarded ones.
 */
export const secretColumns: Check = {
  id: 'secret-columns',
  title:
    'Secret columns are kept out of histories, and clients may read no others than they should',
  remedy: 'Run 004_audit_log and 015_agent_registry again.',
  async run({ query }) {
    const listed = [...new Set(Object.values(SECRET_COLUMNS).flatMap(Object.keys))];
    const [known] = await query<{ present: boolean }>(
      `select to_regprocedure('gateway.secret_columns()') is not null as present`,
    );
    const differing = known?.present
      ? await query<{ name: string }>(
          `select name || ' is ' || case when name = any($1) then 'shown in histories' else 'no secret column' end as name
           from unnest($1::text[] || gateway.secret_columns()) as name
           where not (name = any($1) and name = any(gateway.secret_columns()))
           order by 1`,
          [listed],
        )
      : [{ name: 'gateway.secret_columns() is missing' }];
    const granted = await query<{ name: string }>(
      `select attrelid::regclass || '.' || attname
              || case when guarded then ' may be read by clients' else ' may not be read by clients' end as name
       from (
         select attrelid, attname,
                exists (select from jsonb_to_recordset($1) as g("table" text, "column" text)
                        where to_regclass('public.' || g.table) = attrelid and g.column = attname) as guarded,
                has_column_privilege('authenticated', attrelid, attnum, 'select') as readable
         from pg_attribute
         where attrelid in (select to_regclass('public.' || g.table) from jsonb_to_recordset($1) as g("table" text))
           and attnum > 0 and not attisdropped
       ) as columns
       where guarded = readable
       order by 1`,
      [JSON.stringify(GUARDED_COLUMNS)],
    );
    return finding(
      listed.length,
      'columns',
      [...differing, ...granted].map(({ name }) => name),
    );
  },
};
