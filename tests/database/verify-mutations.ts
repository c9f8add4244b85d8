// How each check is made to fail: by breaking only what it guards.

const EACH = (rows: string, action: string) => `
  do $$ declare item record; begin
    for item in ${rows} loop execute ${action}; end loop;
  end $$`;

const LEAK = 'create view public.leak as select * from public.moves';

/** Statements by the id of the check that must notice them. */
export const MUTATIONS: readonly (readonly [check: string, sql: string])[] = [
  ['migrations-applied', `delete from _prisma_migrations where migration_name like '017%'`],
  [
    'migrations-applied',
    `update _prisma_migrations set finished_at = null where migration_name like '017%'`,
  ],
  [
    'migrations-applied',
    `update _prisma_migrations set checksum = repeat('0', 64) where migration_name like '016%'`,
  ],
  ['no-drift', 'alter table moves alter progress_percentage set default 7'],
  ['no-drift', 'alter table workspaces alter name type text'],
  ['no-drift', 'alter table workspaces drop constraint workspaces_slug_key'],
  ['no-drift', 'alter table sprints add surprise integer'],

  ['tables', 'drop table move_logs cascade'],
  ['tables', 'alter table move_logs rename to move_log'],
  ['identity', 'alter table auth.users rename raw_user_meta_data to meta'],
  ['identity', 'alter function auth.uid() rename to me'],
  ['columns', 'alter table sprints drop column end_date cascade'],
  ['columns', 'alter table sprints add surprise integer'],
  ['columns', 'alter table workspaces alter name drop not null'],
  ['columns', 'alter table assets alter move_id set not null'],
  ['columns', 'alter table recommendation_patterns alter agent_ids drop not null'],
  ['columns', 'alter table intelligence_signals alter key_findings set not null'],
  ['columns', 'alter table workspaces alter name type varchar(201)'],
  ['columns', 'alter table campaign_quests alter created_at type timestamptz(6)'],
  ['columns', 'alter table moves alter progress_percentage drop default'],
  ['enums', `alter type alert_severity add value 'fatal'`],
  ['enums', `alter type alert_severity rename value 'info' to 'notice'`],
  [
    'enums',
    `alter type alert_severity rename value 'low' to 'x'; alter type alert_severity rename value 'info' to 'low';
     alter type alert_severity rename value 'x' to 'info'`,
  ],
  ['primary-keys', 'alter table move_logs drop constraint move_logs_pkey'],
  ['primary-keys', 'create table gateway.loose (id int)'],
  ['primary-keys', 'alter table gateway.change drop constraint change_pkey'],
  ['references', 'alter table moves drop constraint moves_workspace_id_campaign_id_fkey'],
  ['references', 'alter table moves disable trigger all'],
  ['references', 'alter table move_logs add foreign key (id) references workspaces not valid'],
  [
    'references',
    `alter table move_logs drop constraint move_logs_workspace_id_move_id_fkey,
       add foreign key (workspace_id, move_id) references moves (workspace_id, id) on delete cascade not valid`,
  ],
  [
    'set-null',
    `alter table experiments drop constraint experiments_workspace_id_move_id_fkey,
       add foreign key (workspace_id, move_id) references moves (workspace_id, id) on delete set null`,
  ],
  ['check-constraints', 'alter table billing_history drop constraint billing_history_amount_check'],
  ['check-constraints', 'alter table cohorts drop constraint cohorts_decision_criteria_check'],
  [
    'check-constraints',
    `alter table billing_history drop constraint billing_history_amount_check,
       add constraint billing_history_amount_check check (amount >= 0)`,
  ],
  [
    'check-constraints',
    `alter table billing_history drop constraint billing_history_amount_check,
       add constraint billing_history_amount_check check (amount > 0) not valid`,
  ],
  ['check-constraints', 'alter table campaigns drop constraint campaigns_start_date_finite'],
  [
    'check-constraints',
    'alter table achievements drop constraint achievements_points_reward_check',
  ],

  ['foreign-keys-indexed', 'drop index positioning_created_by_idx'],
  [
    'foreign-keys-indexed',
    'drop index positioning_created_by_idx; create index on positioning (created_by) where created_by is not null and name > $$b$$',
  ],
  [
    'foreign-keys-indexed',
    'drop index positioning_created_by_idx; create index on positioning (name, created_by)',
  ],
  [
    'lists-indexed',
    'drop index system_alerts_related_campaign_id_workspace_id_created_at_i_idx; create index on system_alerts (related_campaign_id, workspace_id)',
  ],
  [
    'lists-indexed',
    'drop index system_alerts_related_campaign_id_workspace_id_created_at_i_idx; create index on system_alerts (related_campaign_id, workspace_id, created_at, id)',
  ],
  ['indexes-needed', 'create index on positioning (created_by)'],
  ['indexes-needed', 'create index on campaigns (workspace_id)'],
  ['indexes-needed', 'create index on campaigns (workspace_id, created_at)'],
  ['indexes-needed', 'create index on campaigns (created_by desc)'],
  ['indexes-needed', 'create unique index on workspaces (slug)'],
  ['indexes-needed', 'create index on system_alerts using gin (recommended_actions)'],
  [
    'indexes-needed',
    `update pg_index set indisvalid = false where indexrelid = 'positioning_created_by_idx'::regclass`,
  ],
  ['search', 'drop index cohorts_search_idx'],
  [
    'search',
    `drop index assets_search_idx;
     create index assets_search_idx on assets using gin (workspace_id, gateway.search_vector(name, description))`,
  ],
  ['search', 'grant select on gateway.searchable to authenticated'],
  [
    'search',
    `create or replace view gateway.searchable as
     select 'AGENT' as kind, current_workspace_id() as workspace_id, id, created_at, agent_name as title, system_prompt as body
     from agent_registry`,
  ],

  ['row-security', 'alter table moves no force row level security'],
  ['row-security', 'alter table moves disable row level security'],
  ['row-security', 'alter table gateway.invitation no force row level security'],
  [
    'row-security',
    'create table gateway.open (id int primary key); grant select on gateway.open to authenticated',
  ],
  ['policies', 'drop policy authenticated_delete on moves'],
  [
    'policies',
    'create policy more on moves for select to authenticated using (workspace_id is not null)',
  ],
  ['policies', 'create policy more on moves using (true)'],
  [
    'policies',
    'drop policy authenticated_select on moves; create policy authenticated_select on moves to authenticated using (workspace_id = current_workspace_id())',
  ],
  ['policy-conditions', 'alter policy authenticated_select on moves using (true)'],
  ['secret-columns', 'grant select on agent_registry to authenticated'],
  ['secret-columns', 'grant select (system_prompt) on agent_registry to authenticated'],
  ['secret-columns', 'alter table agent_registry add surprise text'],
  [
    'secret-columns',
    `create or replace function gateway.secret_columns() returns text[] language sql immutable as $$ select '{}'::text[] $$`,
  ],
  [
    'billing',
    'alter policy authenticated_select on billing_history using (workspace_id = current_workspace_id() and is_workspace_member(workspace_id))',
  ],
  [
    'policy-conditions',
    'alter policy authenticated_insert on moves with check (workspace_id is not null)',
  ],
  ['grants', 'grant truncate on moves to authenticated'],
  ['grants', 'grant insert on user_stats to authenticated'],
  ['grants', 'grant insert on user_workspaces to authenticated'],
  ['grants', 'grant select on gateway.invitation to authenticated'],
  ['grants', 'grant select on moves to public'],
  ['grants', 'grant delete on _prisma_migrations to authenticated'],
  ['views', 'drop view campaign_health cascade'],
  ['views', 'alter view campaign_health reset (security_invoker)'],
  ['views', `${LEAK}; grant select on leak to authenticated`],
  ['views', `${LEAK} where false; grant select (id) on leak to public`],
  [
    'views',
    'create materialized view hoard as select * from moves; grant select on hoard to authenticated',
  ],

  ['change-log', 'drop sequence gateway.readers_awake_until'],
  ['change-log', 'drop table gateway.change'],
  ['change-log', 'delete from gateway.change_log'],
  ['change-log', 'grant select on gateway.change to service_role'],
  ['change-log', 'grant select (row_id) on gateway.change to authenticated'],
  ['change-log', 'grant select on gateway.change_log to codex_gateway'],
  ['change-log', 'grant usage on sequence gateway.readers_listen_until to public'],
  ['change-log', 'grant execute on function gateway.workspace_roles to authenticated'],
  ['change-log', 'grant execute on function gateway.change_snapshot to public'],

  ['functions', 'drop function gateway.changed_columns'],
  ['functions', 'drop function mark_notification_as_read(uuid) cascade'],
  ['security-definer', 'alter function create_workspace reset all'],
  ['security-definer', 'grant execute on function create_workspace to public'],
  ['triggers', 'drop trigger set_updated_at on moves'],
  ['triggers', 'alter table moves disable trigger set_updated_at'],
  ['triggers', 'drop trigger audit_update on moves'],
  ['triggers', 'drop trigger log_truncate on agent_registry'],
  ['triggers', 'alter table moves disable trigger log_delete'],
  ['triggers', 'alter table moves enable trigger log_update'],
  ['triggers', 'alter table user_workspaces enable trigger log_colleagues_insert'],
  [
    'triggers',
    `create or replace trigger log_insert after insert on user_notifications
       referencing new table as new_rows for each statement execute function gateway.log_change();
     alter table user_notifications enable always trigger log_insert`,
  ],
  ['triggers', 'alter table cohorts disable trigger check_limit_on_insert'],
  ['triggers', 'drop trigger on_auth_user_created on auth.users'],
  [
    'triggers',
    `drop trigger set_updated_at on moves;
     create trigger set_updated_at before update on moves for each row execute function set_experience_level()`,
  ],

  ['migration-013', 'drop table campaign_quests cascade'],
  ['migration-014', 'drop table user_stats cascade'],
  ['migration-015', 'drop table agent_capabilities cascade'],
  ['migration-016', 'drop table market_insights cascade'],
  ['migration-017', 'drop table user_notifications cascade'],
  ['moves-of-campaigns', 'alter table moves drop constraint moves_workspace_id_campaign_id_fkey'],
  ['unlock-achievement', 'drop function unlock_achievement cascade'],
  [
    'unlock-achievement',
    `create function twice() returns trigger language plpgsql as
       'begin new.total_points := new.total_points * 2; return new; end';
     create trigger twice before insert or update on user_stats for each row execute function twice()`,
  ],
  ['total-tables', 'drop table move_logs cascade'],
  [
    'total-foreign-keys',
    EACH(
      `select conrelid::regclass as relation, conname from pg_constraint where contype = 'f'`,
      `format('alter table %s drop constraint %I', item.relation, item.conname)`,
    ),
  ],
  [
    'total-indexes',
    EACH(
      `select indexrelid::regclass as name from pg_index where not indisunique and indrelid::regclass::text ~ '^[a-z_]+$'
         and indrelid >= 16384`,
      `'drop index ' || item.name`,
    ),
  ],
  [
    'total-policies',
    EACH(
      'select polrelid::regclass as relation, polname from pg_policy',
      `format('drop policy %I on %s', item.polname, item.relation)`,
    ),
  ],
  [
    'total-functions',
    EACH(
      `select oid::regprocedure as name from pg_proc
         where pronamespace = 'public'::regnamespace and proname ~ '^(get|mark|record|set|validate|create)_'`,
      `'drop function ' || item.name || ' cascade'`,
    ),
  ],
  ['total-enumerations', 'drop type alert_severity cascade'],
  ['total-triggers', 'drop trigger set_updated_at on moves'],
  ['total-views', 'drop view campaign_health cascade'],
  ['migrations-recorded-once', `update _prisma_migrations set rolled_back_at = now()`],
  [
    'migrations-recorded-once',
    `insert into _prisma_migrations (id, checksum, finished_at, migration_name)
     select 'again', checksum, finished_at, migration_name from _prisma_migrations limit 1`,
  ],
];
