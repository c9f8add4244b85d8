import type { Query, TestDatabase } from '../support/database.ts';

const SEARCHED = 'gateway.searchable';

/**
 * The protections that separate workspaces, one of each kind, with the model that leaks without it.
 */
export const PROTECTIONS: Record<string, { name: string; about: string }> = {
  'the rows of a workspace': { name: 'campaigns', about: 'Campaign' },
  'rows that belong to others': { name: 'trend_mentions', about: 'TrendMention' },
  'the rows of a person': { name: 'user_notifications', about: 'UserNotification' },
  'the workspaces themselves': { name: 'workspaces', about: 'Workspace' },
  'their members': { name: 'user_workspaces', about: 'WorkspaceMember' },
  'the profiles of people': { name: 'user_profiles', about: 'UserProfile' },
  'rows that are shared or of a workspace': {
    name: 'visual_design_templates',
    about: 'VisualDesignTemplate',
  },
  'a view': { name: 'agent_performance_daily', about: 'Agent' },
  'what is searched': { name: SEARCHED, about: 'Search' },
};

/**
 * Removes the protection of a table or view: everybody sees its rows. Returns a function
 * that puts it back. Throws a TypeError for a name that is neither.
 */
export async function withoutProtection(
  { query }: TestDatabase,
  name: string,
): Promise<() => Promise<unknown>> {
  const [policy] = await query<{ condition: string }>(
    `select pg_get_expr(polqual, polrelid) as condition from pg_policy
     where polrelid = to_regclass($1) and polname = 'authenticated_select'`,
    [name],
  );
  if (name === SEARCHED) return withAllSearched(query);
  if (policy) {
    await query(`alter policy authenticated_select on ${name} using (true)`);
    return () => query(`alter policy authenticated_select on ${name} using (${policy.condition})`);
  }
  const [view] = await query(`select from pg_class where oid = to_regclass($1) and relkind = 'v'`, [
    name,
  ]);
  if (!view) throw new TypeError(`There is no table or view ${name}`);
  await query(`alter view ${name} set (security_invoker = false)`);
  return () => query(`alter view ${name} set (security_invoker = true)`);
}

/** The view has the workspace of each row: here it is always that of the caller. */
async function withAllSearched(query: Query): Promise<() => Promise<unknown>> {
  const [view] = await query<{ sql: string }>('select pg_get_viewdef($1::regclass) as sql', [
    SEARCHED,
  ]);
  if (!view) throw new TypeError(`There is no view ${SEARCHED}`);
  const replace = (sql: string) => query(`create or replace view ${SEARCHED} as ${sql}`);
  await replace(view.sql.replace(/\w+\.workspace_id\b/g, 'current_workspace_id() as workspace_id'));
  return () => replace(view.sql);
}
