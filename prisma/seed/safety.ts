import type { ClientBase } from 'pg';
import { demoPeople, demoWorkspaces } from './people.ts';

const messages = {
  INVALID_SCALE: 'The scale must be a whole number from 1 to 1000.',
  NOT_MIGRATED: 'The database lacks tables of this version. Run `npm run db:migrate` first.',
  INSUFFICIENT_PRIVILEGE:
    'This role cannot load the demo: row-level security is forced on every table. Connect as the ' +
    'role that migrates, a superuser or one with BYPASSRLS.',
  NOT_EMPTY:
    'The database holds data other than the demo. The demo is loaded into an empty one only: ' +
    'choose another database, or empty this one with `npm run db:reset`.',
} as const;

/** The demo was not loaded, and nothing was changed; the message says why and what to do. */
export class DemoDataError extends Error {
  override name = 'DemoDataError';
  readonly code: keyof typeof messages;

  constructor(code: keyof typeof messages) {
    super(messages[code]);
    this.code = code;
  }
}

/**
 * Returns whether the demo is loaded already. Throws DemoDataError unless the database has either
 * the demo or nothing. Other loads of the demo wait until the transaction ends.
 */
export async function refuseUnfitDatabase(client: ClientBase): Promise<boolean> {
  const { rows: facts } = await client.query<{ migrated: boolean; trusted: boolean }>(
    `SELECT to_regclass('public.user_notifications') IS NOT NULL AS migrated,
            rolsuper OR rolbypassrls AS trusted
     FROM pg_roles WHERE rolname = current_user`,
  );
  if (!facts[0]?.migrated) throw new DemoDataError('NOT_MIGRATED');
  if (!facts[0].trusted) throw new DemoDataError('INSUFFICIENT_PRIVILEGE');

  await client.query('LOCK TABLE workspaces IN SHARE ROW EXCLUSIVE MODE');
  const { rows: found } = await client.query<{ foreign: boolean; loaded: boolean }>(
    `SELECT EXISTS (SELECT FROM workspaces WHERE id <> ALL ($1))
         OR EXISTS (SELECT FROM auth.users WHERE id <> ALL ($2)) AS foreign,
       EXISTS (SELECT FROM workspaces) OR EXISTS (SELECT FROM auth.users) AS loaded`,
    [demoWorkspaces.map(({ id }) => id), demoPeople.map(({ id }) => id)],
  );
  if (found[0]?.foreign) throw new DemoDataError('NOT_EMPTY');
  if (found[0]?.loaded) return true;

  const { rows: others } = await client.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM agent_registry) OR EXISTS (SELECT FROM maneuver_types)
         OR EXISTS (SELECT FROM journey_stages) OR EXISTS (SELECT FROM channel_roles)
         OR EXISTS (SELECT FROM visual_design_templates)
         OR EXISTS (SELECT FROM adaptation_patterns) AS found`,
  );
  if (others[0]?.found) throw new DemoDataError('NOT_EMPTY');
  return false;
}
