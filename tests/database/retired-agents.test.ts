import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import type { Actor } from '../support/database.ts';
import { A, AGENT, MEMBERS, Tenants } from './tenancy-fixture.ts';
import { RULES, SCOPES } from './tenancy-rules.ts';

let tenants: Tenants;
const actor: Actor = { agent: AGENT, scopes: [...SCOPES, 'billing:read'], workspaceId: A };

const retire = (isRetired: boolean) =>
  tenants.database.query('update agent_registry set is_active = $1 where agent_name = $2', [
    !isRetired,
    AGENT,
  ]);

beforeAll(async () => {
  tenants = await Tenants.create();
  await retire(true);
});
afterAll(() => tenants.database.close());

describe('a retired agent with every scope cannot read or write', () => {
  test.each([...TABLE_NAMES])('%s', async (name) => {
    const column = RULES[name]?.column;
    const { id } = tenants.rowOf(A, name, MEMBERS.Owner);
    const insert = tenants.newRow(name, await tenants.unsigned(name));
    expect(await tenants.idsSeenBy(actor, name)).toEqual([]);
    const statements: [sql: string, values: unknown[]][] = [
      [insert.sql, insert.values],
      [`update ${name} set "${column}" = "${column}" where id = $1`, [id]],
      [`update ${name} set "${column}" = "${column}"`, []],
      [`delete from ${name} where id = $1`, [id]],
      [`delete from ${name}`, []],
    ];
    for (const [sql, values] of statements) {
      expect([0, '42501'], sql).toContain(await tenants.attempt(actor, sql, values));
    }
  });

  test('the audit log and prompts', async () => {
    const run = (sql: string) => tenants.database.rehearse(actor, (query) => query(sql));
    expect(await run('select from gateway.audit_log')).toEqual([]);
    const ids = (tenants.rowsOfA.get('agent_registry') ?? []).map(({ id }) => `'${id}'`);
    expect(ids.length).toBeGreaterThan(0);
    const prompts = `select * from gateway.agent_prompts(array[${ids.join()}]::uuid[])`;
    expect(await run(prompts)).toEqual([]);
    await retire(false);
    expect(await run(prompts)).toHaveLength(ids.length);
    await retire(true);
  });
});

test('it cannot reactivate itself, while an active and an unregistered agent can reactivate it', async () => {
  const back = 'update agent_registry set is_active = true where agent_name = $1';
  const attempt = (agent: string, ...scopes: string[]) =>
    tenants.attempt({ agent, scopes }, back, [AGENT]);
  expect(await attempt(AGENT, 'global:write')).toBe(0);
  expect(await attempt('registrar', 'global:write')).toBe(1);
  expect(await attempt('registrar', '*:write')).toBe(0);
  await retire(false);
  expect(await attempt(AGENT, 'global:write')).toBe(1);
  await retire(true);
});

test.each([
  [`select record_signal($1, 'trend', 'market_trend', 'T')`],
  [`select create_system_alert($1, 'error', 'high', 'T')`],
  ['select remove_member($1, $1)'],
  ['select assign_agent($1, $1)'],
])('it is refused by functions: %s', async (sql) => {
  const call = tenants.database.rehearse(actor, (query) => query(sql, [A]));
  await expect(call).rejects.toMatchObject({ code: '42501' });
});
