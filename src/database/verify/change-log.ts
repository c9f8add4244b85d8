import { type Check, finding } from './check.ts';
import type { Trigger } from './expected.ts';

/** Functions that `codex_gateway` may call itself. It has no other privilege. */
export const GATEWAY_FUNCTIONS: readonly string[] = [
  'gateway.change_snapshot()',
  'gateway.changes_after(pg_snapshot,integer)',
  'gateway.changes_between(pg_snapshot,pg_snapshot,bigint,integer,text[],uuid,uuid)',
  'gateway.keep_readers_awake(integer)',
  'gateway.open_change_log()',
  'gateway.trim_change_log(interval,integer)',
  'gateway.workspace_roles(uuid[])',
];

// Only their owner has privileges on them.
const RELATIONS: readonly string[] = [
  'gateway.change',
  'gateway.change_log',
  'gateway.readers_awake_until',
  'gateway.readers_listen_until',
];

/** Tables whose rows are not visible to exactly the members of a workspace. */
const PARTIALLY_VISIBLE = [
  'agent_capabilities',
  'agent_registry',
  'channel_roles',
  'journey_stages',
  'maneuver_types',
  'onboarding_responses',
  'subscriptions',
  'user_achievements',
  'user_notifications',
  'user_profiles',
  'workspaces',
];

/** Returns the triggers that write a table's changes into the change log. */
export function logTriggers(name: string): Trigger[] {
  const table = `public.${name}`;
  const calls = PARTIALLY_VISIBLE.includes(name)
    ? 'gateway.log_partial_change()'
    : 'gateway.log_change()';
  return [
    { table, name: 'log_insert', calls, always: true },
    { table, name: 'log_update', calls, always: true },
    { table, name: 'log_delete', calls, always: true },
    { table, name: 'log_truncate', calls: 'gateway.log_truncation()', always: true },
  ];
}

/** Checks that changes in the log reach only those who may see them. */
export const changeLog: Check = {
  id: 'change-log',
  title:
    "The change log is there, and nobody reaches it but by the functions of the gateway's login",
  remedy: 'Revoke what is named, or run 005_change_log again.',
  async run({ query }) {
    const [log] = await query<{ present: boolean }>(
      `select count(to_regclass(name)) = $2 as present from unnest($1::text[]) as name`,
      [RELATIONS, RELATIONS.length],
    );
    if (!log?.present) return finding(0, 'relations', ['tables or sequences of it are missing']);
    const [state] = await query<{ rows: number }>(
      'select count(*)::int as rows from gateway.change_log',
    );
    const open = await query<{ name: string }>(
      `with acls as (
         select pg_class.oid::regclass::text as name, relowner as owner, relacl as acl, '{}'::oid[] as admitted
         from pg_class where oid in (select to_regclass(name) from unnest($1::text[]) as name)
         union all
         select attrelid::regclass || '.' || attname, relowner, attacl, '{}'
         from pg_attribute join pg_class on pg_class.oid = attrelid
         where attrelid in (select to_regclass(name) from unnest($1::text[]) as name)
         union all
         select oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner)),
                array['codex_gateway'::regrole] || case proname when 'change_snapshot' then array['authenticated'::regrole] end
         from pg_proc where oid in (select to_regprocedure(name) from unnest($2::text[]) as name)
       )
       select name || ' is open to ' || coalesce(nullif(grantee, 0)::regrole::text, 'everybody') as name
       from acls, aclexplode(acl) where grantee <> owner and grantee <> all (admitted)
       group by name, grantee order by 1`,
      [RELATIONS, GATEWAY_FUNCTIONS],
    );
    return finding(RELATIONS.length, 'relations', [
      ...(state?.rows === 1 ? [] : [`gateway.change_log has ${state?.rows} rows, not one`]),
      ...open.map(({ name }) => name),
    ]);
  },
};
