import { catalog, type Model } from '../../generated/catalog.ts';
import { models } from '../../models/index.ts';
import { type Check, finding } from './check.ts';

/** Columns of every searched row, besides its texts. */
const ALWAYS = ['id', 'created_at'];

const searched = [...models.values()].flatMap(({ name, searched: shown }) => {
  const { table, columns } = catalog.models[name] as Model;
  const texts = shown?.map((column) => columns[column]?.column);
  const isTenant = columns.workspaceId ? ['workspace_id'] : [];
  return texts ? [{ table, columns: [...ALWAYS, ...isTenant, ...texts] }] : [];
});

/** Checks that search reads the columns that it should, by its indexes, and that only it does. */
export const search: Check = {
  id: 'search',
  title:
    'Search has its indexes, looks at the columns that it should, and is asked by its function only',
  remedy: 'Run 019_search again; REINDEX what is invalid.',
  async run({ query }) {
    const unindexed = await query<{ name: string }>(
      `select name || ' has no valid index for search' as name from unnest($1::text[]) as name
       where not exists (
         select from pg_index join pg_class on pg_class.oid = indexrelid
         where indrelid = to_regclass('public.' || name) and relname = name || '_search_idx' and indisvalid
           and pg_get_indexdef(indexrelid) ~ ' USING gin \\((workspace_id, )?gateway\\.search_vector\\(.*, gateway\\.search_title\\([^,]*\\) [a-z]+\\.gin_trgm_ops\\)$')
       order by 1`,
      [searched.map(({ table }) => table)],
    );
    const differing = await query<{ name: string }>(
      `with wanted as (
         select "table" || '.' || name as name
         from jsonb_to_recordset($1) as w("table" text, columns text[]), unnest(columns) as name
       ), found as (
         select relname || '.' || attname as name
         from pg_rewrite join pg_depend on pg_depend.objid = pg_rewrite.oid and classid = 'pg_rewrite'::regclass
         join pg_attribute on attrelid = refobjid and attnum = refobjsubid
         join pg_class on pg_class.oid = attrelid
         where ev_class = to_regclass('gateway.searchable') and refclassid = 'pg_class'::regclass
           and refobjsubid > 0 and refobjid <> ev_class
       )
       select case when found.name is null then wanted.name || ' is not searched' else found.name || ' is searched' end as name
       from wanted full join found using (name) where wanted.name is null or found.name is null
       order by 1`,
      [JSON.stringify(searched)],
    );
    const open = await query<{ name: string }>(
      `select 'gateway.searchable is open to ' || coalesce(nullif(grantee, 0)::regrole::text, 'everybody') as name
       from pg_class, aclexplode(relacl) where pg_class.oid = to_regclass('gateway.searchable') and grantee <> relowner
       group by grantee order by 1`,
    );
    return finding(
      searched.length,
      'tables',
      [...unindexed, ...differing, ...open].map(({ name }) => name),
    );
  },
};
