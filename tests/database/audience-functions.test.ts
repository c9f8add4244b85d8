import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { Audiences } from './audience.ts';
import { ROLES } from './tenancy-rules.ts';

let database: TestDatabase;
let tenant: Tenant;
let audiences: Audiences;
/** Values for the names in the calls. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  audiences = new Audiences(database);
  const { workspaceId, people } = tenant;
  const { query } = database;
  const add = async (name: string, table: string, values: object) => {
    ids[name] = await insert(database, table, { workspace_id: workspaceId, ...values });
  };
  Object.assign(ids, { workspace: workspaceId, owner: people.Owner, viewer: people.Viewer });
  await add('campaign', 'campaigns', { name: 'C' });
  await add('cohort', 'cohorts', { name: 'C' });
  await add('quest', 'campaign_quests', { campaign_id: ids.campaign, name: 'Q' });
  await add('achievement', 'achievements', {
    ...{ name: 'A', badge_type: 'milestone', condition_type: 'count', condition_value: 5 },
  });
  await add('signal', 'intelligence_signals', {
    ...{ source_type: 'market', signal_category: 'market_trend', signal_title: 'T' },
  });
  await add('alert', 'system_alerts', { alert_type: 'error', title: 'T' });
  await add('taken', 'system_alerts', { alert_type: 'error', title: 'T' });
  await add('notification', 'user_notifications', {
    ...{ user_id: people.Owner, notification_type: 'message', title: 'T', message: 'M' },
  });
  await add('move', 'moves', { name: 'M', primary_icp_id: ids.cohort });
  await add('experiment', 'experiments', { hypothesis: 'H' });
  ids.agent = await insert(database, 'agent_registry', {
    ...{ agent_name: 'scout', agent_type: 'intelligence' },
  });
  await query(`update campaign_quests set status = 'in_progress'`);
  await query(`update system_alerts set status = 'acknowledged' where id = $1`, [ids.taken]);
  await query(`update auth.users set email = 'owner@example.com' where id = $1`, [people.Owner]);
  await add('invitation', 'gateway.invitation', { email: 'owner@example.com' });
});
afterAll(async () => {
  await audiences.close();
  await database.close();
});

// By their signatures: all functions that may write and that clients may call.
const CALLS: Record<string, string> = {
  'create_workspace(text,text)': `select create_workspace('W')`,
  'change_campaign_status(uuid,campaign_status)': `select change_campaign_status(:campaign, 'planning')`,
  'unlock_achievement(uuid,uuid,uuid,text)':
    'select unlock_achievement(:viewer, :achievement, :workspace)',
  'record_achievement_progress(uuid,uuid,integer)':
    'select record_achievement_progress(:viewer, :achievement, 1)',
  'record_agent_execution(uuid,uuid,numeric,integer,integer,numeric,boolean)':
    'select record_agent_execution(:workspace, :agent, 1, 1, 1, 1, true)',
  'create_insight_from_signals(uuid,uuid[],text,insight_type,text[])': `select create_insight_from_signals(:workspace, array[:signal], 'T', 'trend')`,
  'create_system_alert(uuid,alert_type,alert_severity,text,text,text,text,uuid,uuid,text,uuid,uuid,uuid,jsonb,text[],timestamp with time zone)': `select create_system_alert(:workspace, 'error', 'high', 'T')`,
  'acknowledge_alert(uuid,uuid)': 'select acknowledge_alert(:alert)',
  'resolve_alert(uuid,text)': 'select resolve_alert(:taken)',
  'dismiss_alert(uuid,text,uuid)': 'select dismiss_alert(:alert)',
  'send_user_notification(uuid,uuid,notification_type,text,text,notification_priority,notification_channel,text,uuid,uuid,uuid,text,text,text,timestamp with time zone)': `select send_user_notification(:workspace, :viewer, 'message', 'T', 'M')`,
  'mark_notification_as_read(uuid)': 'select mark_notification_as_read(:notification)',
  'mark_all_notifications_as_read(uuid,uuid)': 'select mark_all_notifications_as_read(:owner)',
  'invite_workspace_member(uuid,text,member_role)': `select invite_workspace_member(:workspace, 'guest@example.com')`,
  'accept_invitation(uuid)': 'select accept_invitation(:invitation)',
  'decline_invitation(uuid)': 'select decline_invitation(:invitation)',
  'revoke_invitation(uuid)': 'select revoke_invitation(:invitation)',
  'change_member_role(uuid,uuid,member_role)': `select change_member_role(:workspace, :viewer, 'Analyst')`,
  'remove_member(uuid,uuid)': 'select remove_member(:workspace, :viewer)',
  'complete_quest(uuid,text)': 'select complete_quest(:quest)',
  'link_cohorts(uuid,uuid[],numeric[],integer[])': 'select link_cohorts(:campaign, array[:cohort])',
  'start_move(uuid)': 'select start_move(:move)',
  'log_move(uuid,date,integer,text,jsonb)': 'select log_move(:move)',
  'raise_anomaly(uuid,move_anomaly_type,integer,text)': `select raise_anomaly(:move, 'Drift', 3)`,
  'assign_agent(uuid,uuid,uuid,assignment_priority,jsonb)':
    'select assign_agent(:workspace, :agent)',
  'record_signal(uuid,signal_source,signal_category,text,numeric,numeric,text,text,text[],jsonb,uuid[],uuid[],uuid[],timestamp with time zone,timestamp with time zone,uuid)': `select record_signal(:workspace, 'market', 'market_trend', 'T')`,
  'acknowledge_signal(uuid,text)': 'select acknowledge_signal(:signal)',
  'decide_experiment(uuid,text,double precision)': `select decide_experiment(:experiment, 'a')`,
  'gateway.change_alert_status(uuid,alert_status,uuid,text)': `select gateway.change_alert_status(:alert, 'acknowledged', null, null)`,
  'gateway.claim_idempotent_request(text,bytea,boolean)': `select gateway.claim_idempotent_request('k', '0123456789abcdef')`,
  'gateway.make_room_for_idempotency_key(integer,bigint)':
    'select gateway.make_room_for_idempotency_key()',
  'gateway.take_turn(uuid,uuid)': 'select gateway.take_turn(:workspace, :workspace)',
  'gateway.require_room(uuid,uuid,bigint)': 'select gateway.require_room(:workspace, null, 1)',
  'gateway.trim_idempotency_keys(interval)': 'select gateway.trim_idempotency_keys()',
  'gateway.expire_audit_log()': 'select gateway.expire_audit_log()',
  'gateway.expire_invitations(integer)': 'select gateway.expire_invitations()',
};
/** The results for an Owner of functions that write nothing. */
const OTHERWISE: Record<string, string> = {
  // Helpers of triggers.
  'gateway.take_turn(uuid,uuid)': '42501',
  'gateway.require_room(uuid,uuid,bigint)': '42501',
  // Delete old entries, for every caller.
  'gateway.make_room_for_idempotency_key(integer,bigint)': 'nothing',
  'gateway.trim_idempotency_keys(interval)': 'nothing',
  'gateway.expire_audit_log()': 'nothing',
  'gateway.expire_invitations(integer)': 'nothing',
};

/** Returns `written` or `nothing`, by whether the transaction wrote, or the SQLSTATE of a refusal. */
async function outcome(query: Query, signature: string): Promise<string> {
  const sql = String(CALLS[signature]).replace(/:(\w+)/g, (_, name) => `'${ids[name]}'::uuid`);
  try {
    await query(sql);
    const [row] = await query<{ written: boolean }>(
      'select pg_current_xact_id_if_assigned() is not null as written',
    );
    return row?.written ? 'written' : 'nothing';
  } catch (error) {
    return (error as pg.DatabaseError).code ?? String(error);
  }
}

test('every function that may write and that clients may call is tested here', async () => {
  const functions = await database.query<{ name: string }>(
    `select p.oid::regprocedure::text as name from pg_proc as p
     where pronamespace in ('public'::regnamespace, 'gateway'::regnamespace) and provolatile = 'v'
       and prokind = 'f' and prorettype <> 'trigger'::regtype
       and has_function_privilege('authenticated', p.oid, 'execute')
       and not exists (select from pg_depend where objid = p.oid and deptype = 'e')`,
  );
  expect(Object.keys(CALLS).sort()).toEqual(functions.map(({ name }) => name).sort());
});

test.each(Object.keys(CALLS))(
  '%s writes for an Owner, but not for an audience',
  async (signature) => {
    const byOwner = await database.rehearse(tenant.actor('Owner'), (query) =>
      outcome(query, signature),
    );
    expect(byOwner).toBe(OTHERWISE[signature] ?? 'written');
    for (const role of ROLES) {
      const byAudience = await audiences.as(role, tenant.workspaceId, (query) =>
        outcome(query, signature),
      );
      expect(['42501', 'P0002', 'nothing'], role).toContain(byAudience);
    }
  },
);
