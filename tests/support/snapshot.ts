import type { Query } from './database.ts';

const OURS = `nspname in ('public', 'gateway', 'auth')`;
const NAMESPACES = `select oid from pg_namespace where ${OURS}`;

// One line per fact, sorted: what migrations can change, except table contents.
const FACTS = `
  select concat_ws(' ', 'schema', nspname, nspacl) as fact from pg_namespace where ${OURS}
  union all
  select concat_ws(' ', 'relation', oid::regclass, relkind, relrowsecurity, relforcerowsecurity, reloptions, relacl)
  from pg_class where relnamespace in (${NAMESPACES}) and relkind <> 'i'
  union all
  select concat_ws(' ', 'column', attrelid::regclass, attname, attnum, format_type(atttypid, atttypmod), attnotnull,
                   pg_get_expr(adbin, adrelid), attacl)
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  join pg_class on pg_class.oid = attrelid
  where relnamespace in (${NAMESPACES}) and attnum > 0 and relkind in ('r', 'v')
  union all
  select concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
  from pg_constraint where connamespace in (${NAMESPACES}) and conrelid <> 0
  union all
  select concat_ws(' ', 'index', indisvalid, pg_get_indexdef(indexrelid))
  from pg_index join pg_class on pg_class.oid = indexrelid where relnamespace in (${NAMESPACES})
  union all
  select concat_ws(' ', 'trigger', tgrelid::regclass, tgenabled, pg_get_triggerdef(oid))
  from pg_trigger where not tgisinternal
  union all
  select concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polpermissive, polroles::regrole[],
                   pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
  from pg_policy
  union all
  select concat_ws(' ', 'function', pg_get_functiondef(oid), proacl)
  from pg_proc where pronamespace in (${NAMESPACES}) and prokind in ('f', 'p')
  union all
  select concat_ws(' ', 'view', oid::regclass, pg_get_viewdef(oid))
  from pg_class where relkind = 'v' and relnamespace in (${NAMESPACES})
  union all
  select concat_ws(' ', 'enum', enumtypid::regtype, enumsortorder, enumlabel) from pg_enum
  union all
  select concat_ws(' ', 'comment', pg_describe_object(classoid, objoid, objsubid), description)
  from pg_description where objoid >= 16384
  union all
  select concat_ws(' ', 'role', rolname, rolsuper, rolinherit, rolbypassrls,
                   array(select roleid::regrole::text from pg_auth_members where member = pg_roles.oid order by 1))
  from pg_roles where rolname in ('authenticated', 'service_role', 'codex_gateway')
  order by 1`;

/** Returns the catalog of the project's schemas and roles, a line for each fact. */
export async function catalogSnapshot(query: Query): Promise<string[]> {
  return (await query<{ fact: string }>(FACTS)).map(({ fact }) => fact);
}

/** Returns a checksum of each row, by table and primary key, over the columns named. */
export async function rowChecksums(
  query: Query,
  columns: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const [table, names] of Object.entries(columns)) {
    const list = names.map((name) => `"${name}"`).join(', ');
    const rows = await query<{ id: string; sum: string }>(
      `select id::text, md5(row(${list})::text) as sum from public.${table}`,
    );
    for (const { id, sum } of rows) sums[`${table} ${id}`] = sum;
  }
  return sums;
}
