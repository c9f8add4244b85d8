import { changeLog, GATEWAY_FUNCTIONS } from './change-log.ts';
import { type Check, finding } from './check.ts';
import { VIEWS } from './expected.ts';
import { TABLE_NAMES, TABLE_OIDS, TABLES } from './expected-tables.ts';
import { billing, secretColumns } from './trust.ts';

const PROTECT =
  'Run the lines of its migration that set the table up again: CALL gateway.set_up_… or protect_table, and grants.';

const rowSecurity: Check = {
  id: 'row-security',
  title: 'Row-level security is enabled and forced on every table that clients can reach',
  remedy: PROTECT,
  async run({ query }) {
    const rows = await query<{ name: string; enabled: boolean }>(
      `select oid::regclass::text as name, relrowsecurity as enabled from pg_class
       where (oid in (${TABLE_OIDS})
              or oid = to_regclass('gateway.invitation')
              or relkind = 'r' and relnamespace = to_regnamespace('gateway')
                 and has_table_privilege('authenticated', oid, 'select, insert, update, delete'))
         and not (relrowsecurity and relforcerowsecurity)
       order by 1`,
      [TABLE_NAMES],
    );
    return finding(
      TABLES.length,
      'tables',
      rows.map(({ name, enabled }) => `${name} is not ${enabled ? 'forced' : 'enabled'}`),
    );
  },
};

interface Policy {
  table: string;
  name: string;
  operation: string;
  expressions: string[];
}

// Permissive policies for `authenticated`. Restrictive ones only take rows away.
const POLICIES = `
  select relname as table, polname as name,
         case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                     when 'd' then 'delete' else 'all' end as operation,
         array_remove(array[pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)], null) as expressions
  from pg_policy join pg_class on pg_class.oid = polrelid
  where polrelid in (${TABLE_OIDS}) and polpermissive
    and (0 = any(polroles) or to_regrole('authenticated')::oid = any(polroles))
  order by 1, 2`;

const OPERATIONS = ['select', 'insert', 'update', 'delete'];

const policies: Check = {
  id: 'policies',
  title: 'Every table has one policy per operation for authenticated, and no more',
  remedy: `${PROTECT} Drop policies that are not of the migrations.`,
  async run({ query }) {
    const rows = await query<Policy>(POLICIES, [TABLE_NAMES]);
    const problems = TABLE_NAMES.flatMap((table) => {
      const own = rows.filter((policy) => policy.table === table);
      const names = OPERATIONS.map((operation) => `authenticated_${operation}`);
      return [
        ...OPERATIONS.filter(
          (operation, n) => !own.some((p) => p.name === names[n] && p.operation === operation),
        ).map((operation) => `${table} has none for ${operation}`),
        ...own
          .filter(({ name }) => !names.includes(name))
          .map(({ name, operation }) => `${table} has another one for ${operation}: ${name}`),
      ];
    });
    return finding(rows.length, 'policies', problems);
  },
};

// Terms that depend on the request. An expression without any of them is true for everyone.
const WHO_ASKS = /\b(current_workspace_id|viewer_memberships|may_write_shared|uid)\(\)/;

const policyConditions: Check = {
  id: 'policy-conditions',
  title: 'Every policy asks for the person or the workspace, or refuses',
  remedy: PROTECT,
  async run({ query }) {
    const rows = await query<Policy>(POLICIES, [TABLE_NAMES]);
    const problems = rows
      .filter(({ expressions }) =>
        expressions.some((text) => text !== 'false' && !WHO_ASKS.test(text)),
      )
      .map(({ table, name }) => `${name} of ${table} lets everybody through`);
    return finding(rows.length, 'policies', problems);
  },
};

const grants: Check = {
  id: 'grants',
  title: 'Clients may do to tables no more than the policies are written for',
  remedy: 'Revoke the privilege: policies do not govern it, or refuse it anyway.',
  async run({ query }) {
    const rows = await query<{ name: string }>(
      `select pg_class.oid::regclass || ': ' || coalesce(nullif(grantee, 0)::regrole::text, 'everybody')
              || ' may ' || lower(privilege_type) as name
       from pg_class, aclexplode(relacl)
       where (oid in (${TABLE_OIDS})
              or oid in (to_regclass('public._prisma_migrations'), to_regclass('gateway.invitation')))
         and (grantee = 0
              or grantee = any(array[to_regrole('anon'), to_regrole('authenticated')]::oid[])
                 and (privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
                      or grantee = to_regrole('anon')
                      or not relrowsecurity
                      or exists (
                        select from pg_policy
                        where polrelid = pg_class.oid and polname = 'authenticated_' || lower(privilege_type)
                          and 'false' in (pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)))))
       order by 1`,
      [TABLE_NAMES],
    );
    return finding(
      TABLES.length,
      'tables',
      rows.map(({ name }) => name),
    );
  },
};

const views: Check = {
  id: 'views',
  title: "Read models are there, and every view of the tables obeys its reader's policies",
  remedy: 'Run npm run db:migrate; ALTER VIEW ... SET (security_invoker = true).',
  async run({ query }) {
    const missing = await query<{ name: string }>(
      `select name from unnest($1::text[]) as name
       where not exists (select from pg_class where relkind = 'v' and relname = name
                           and relnamespace = 'public'::regnamespace)`,
      [VIEWS],
    );
    const open = await query<{ name: string }>(
      `select distinct view.oid::regclass::text as name
       from pg_depend
       join pg_rewrite on pg_rewrite.oid = objid and classid = 'pg_rewrite'::regclass
       join pg_class as view on view.oid = ev_class
       where refclassid = 'pg_class'::regclass and refobjid in (${TABLE_OIDS})
         and refobjid <> ev_class
         and (relkind = 'm' or not coalesce(
               (select option_value::boolean from pg_options_to_table(reloptions)
                where option_name = 'security_invoker'), false))
         and (has_table_privilege('authenticated', view.oid, 'select')
              or has_any_column_privilege('authenticated', view.oid, 'select'))
       order by 1`,
      [TABLE_NAMES],
    );
    return finding(VIEWS.length, 'views', [
      ...missing.map(({ name }) => `${name} is missing`),
      ...open.map(({ name }) => `${name} shows clients what its owner sees`),
    ]);
  },
};

const clientRole: Check = {
  id: 'role-authenticated',
  title: 'authenticated does not bypass row-level security, by itself or as another role',
  remedy: 'ALTER ROLE authenticated NOBYPASSRLS NOSUPERUSER; revoke memberships that do.',
  async run({ query }) {
    const rows = await query<{ name: string; self: boolean }>(
      `with recursive roles(oid) as (
         select to_regrole('authenticated')::oid
         union select roleid from pg_auth_members join roles on member = roles.oid
       )
       select rolname as name, rolname = 'authenticated' as self from roles join pg_roles using (oid)
       where rolsuper or rolbypassrls or rolcreaterole
          or oid in (select relowner from pg_class where oid in (${TABLE_OIDS}))`,
      [TABLE_NAMES],
    );
    const [present] = await query<{ yes: boolean }>(
      `select to_regrole('authenticated') is not null as yes`,
    );
    return finding(1, 'role', [
      ...(present?.yes ? [] : ['role authenticated is missing']),
      ...rows.map(({ name, self }) =>
        self ? 'it bypasses policies itself' : `it may become ${name}, who bypasses policies`,
      ),
    ]);
  },
};

const gatewayRole: Check = {
  id: 'role-codex-gateway',
  title: 'codex_gateway may become authenticated and call the functions of the change log, no more',
  remedy:
    'Revoke what is named, or run 005_change_log again; ALTER ROLE codex_gateway NOINHERIT NOBYPASSRLS NOSUPERUSER.',
  async run({ query }) {
    const [role] = await query<{ attributes: string[]; memberships: string[]; inherits: boolean }>(
      `select array_remove(array[
                case when rolsuper then 'SUPERUSER' end, case when rolbypassrls then 'BYPASSRLS' end,
                case when rolcreaterole then 'CREATEROLE' end, case when rolcreatedb then 'CREATEDB' end,
                case when rolreplication then 'REPLICATION' end, case when rolinherit then 'INHERIT' end
              ], null) as attributes,
              array(select roleid::regrole::text from pg_auth_members where member = pg_roles.oid) as memberships,
              -- Postgres 16 and later decide it for each membership.
              exists (select from pg_auth_members as m where member = pg_roles.oid
                      and to_jsonb(m) ->> 'inherit_option' = 'true') as inherits
       from pg_roles where rolname = 'codex_gateway'`,
    );
    if (!role) return finding(1, 'role', ['role codex_gateway is missing']);
    const rights = await query<{ name: string }>(
      `with functions(oid) as (
         select to_regprocedure(name)::oid from unnest($1::text[]) as name
       ), granted as (
         select 'pg_proc'::regclass as class, pg_proc.oid, acl.privilege_type, acl.is_grantable
         from pg_proc, aclexplode(proacl) as acl
         where acl.grantee = 'codex_gateway'::regrole and pg_proc.oid in (table functions)
         union all
         select 'pg_namespace'::regclass, pg_namespace.oid, acl.privilege_type, acl.is_grantable
         from pg_namespace, aclexplode(nspacl) as acl
         where acl.grantee = 'codex_gateway'::regrole and nspname = 'gateway'
       )
       select 'it ' || case deptype when 'o' then 'owns ' else 'has rights on ' end
              || pg_describe_object(classid, objid, 0) as name
       from pg_shdepend
       where refclassid = 'pg_authid'::regclass and refobjid = 'codex_gateway'::regrole
         and deptype in ('o', 'a')
         and dbid = (select oid from pg_database where datname = current_database())
         and (deptype = 'o' or (classid, objid) not in (select class, oid from granted))
       union
       select 'it may ' || lower(privilege_type) || ' and grant it on ' || pg_describe_object(class, oid, 0)
       from granted where is_grantable
       union
       select 'it may ' || lower(privilege_type) || ' in ' || pg_describe_object(class, oid, 0)
       from granted where privilege_type not in ('EXECUTE', 'USAGE')
       union
       select 'it may not call ' || oid::regprocedure from functions
       where oid is not null and oid not in (select oid from granted)
       union
       select 'it may not use schema gateway' where to_regnamespace('gateway')::oid not in (select oid from granted)
       order by 1`,
      [GATEWAY_FUNCTIONS],
    );
    const others = role.memberships.filter((name) => name !== 'authenticated');
    return finding(1, 'role', [
      ...role.attributes.map((name) => `it is ${name}`),
      ...(role.memberships.includes('authenticated') ? [] : ['it may not become authenticated']),
      ...others.map((name) => `it may become ${name}`),
      ...(role.inherits ? ['it has the rights of authenticated without becoming it'] : []),
      ...rights.map(({ name }) => name),
    ]);
  },
};

const trustedRole: Check = {
  id: 'role-service-role',
  title: 'service_role, as which trusted writers work, bypasses policies',
  remedy: 'ALTER ROLE service_role BYPASSRLS.',
  async run({ query }) {
    const rows = await query(
      `select from pg_roles where rolname = 'service_role' and rolbypassrls`,
    );
    return finding(
      1,
      'role',
      rows.length === 1 ? [] : ['role service_role is missing or does not'],
    );
  },
};

/** Checks that nobody can bypass the tenancy rules. */
export const securityChecks = [
  rowSecurity,
  policies,
  policyConditions,
  billing,
  secretColumns,
  grants,
  views,
  clientRole,
  gatewayRole,
  trustedRole,
  changeLog,
];
