/**
 * How each check of roles, which belong to the whole server, is made to fail: by the id of the check, with
 * the statement that undoes it.
 */
export const ROLE_MUTATIONS: readonly (readonly [check: string, sql: string, undo: string])[] = [
  [
    'role-authenticated',
    'alter role authenticated bypassrls',
    'alter role authenticated nobypassrls',
  ],
  [
    'role-authenticated',
    'grant service_role to authenticated',
    'revoke service_role from authenticated',
  ],
  [
    'role-authenticated',
    'alter role authenticated rename to people',
    'alter role people rename to authenticated',
  ],
  ['role-codex-gateway', 'alter role codex_gateway inherit', 'alter role codex_gateway noinherit'],
  [
    'role-codex-gateway',
    'alter role codex_gateway createdb',
    'alter role codex_gateway nocreatedb',
  ],
  [
    'role-codex-gateway',
    'grant service_role to codex_gateway',
    'revoke service_role from codex_gateway',
  ],
  [
    'role-codex-gateway',
    'grant select on moves to codex_gateway',
    'revoke select on moves from codex_gateway',
  ],
  [
    'role-codex-gateway',
    'grant execute on function gateway.trim_audit_log to codex_gateway',
    'revoke execute on function gateway.trim_audit_log from codex_gateway',
  ],
  [
    'role-codex-gateway',
    'grant execute on function gateway.workspace_roles to codex_gateway with grant option',
    'revoke grant option for execute on function gateway.workspace_roles from codex_gateway',
  ],
  [
    'role-codex-gateway',
    'revoke execute on function gateway.changes_after from codex_gateway',
    'grant execute on function gateway.changes_after to codex_gateway',
  ],
  [
    'role-codex-gateway',
    'grant create on schema gateway to codex_gateway',
    'revoke create on schema gateway from codex_gateway',
  ],
  [
    'role-codex-gateway',
    'revoke usage on schema gateway from codex_gateway',
    'grant usage on schema gateway to codex_gateway',
  ],
  [
    'role-codex-gateway',
    'revoke authenticated from codex_gateway granted by operator',
    'grant authenticated to codex_gateway granted by operator',
  ],
  [
    'role-codex-gateway',
    'alter role codex_gateway rename to gate',
    'alter role gate rename to codex_gateway',
  ],
  ['role-service-role', 'alter role service_role nobypassrls', 'alter role service_role bypassrls'],
  ['grants', 'grant select on moves to anon', 'revoke select on moves from anon'],
];
