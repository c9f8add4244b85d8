import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../contract/cases.ts';
import type { Client } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp } from '../support/log.ts';
import {
  type Listener,
  listen,
  listening,
  quiet,
  type Subscription,
} from '../support/subscribe.ts';
import { insert } from '../support/tenant.ts';
import { nodeIdOf, sightOf, textsIn } from './sight.ts';
import { createLiveWorld, type LiveWorld, type Somebody, type Target, targetsOf } from './world.ts';

let world: LiveWorld;
let listeners: Listener[] = [];
beforeAll(async () => {
  world = await createLiveWorld();
}, 120_000);
afterAll(async () => {
  await world?.close();
});

/** Everything that is told of a row of a table, to each of these. */
async function follow(clients: readonly Client[], tables: readonly string[]) {
  for (const listener of listeners) listener.close();
  await listening(world.api, 0);
  // Of what was committed before, they are told nothing.
  await caughtUp(world.api.feed, world.database);
  listeners = clients.map((client) => listen(world.api.url, client));
  const shown = cases.filter(({ table }) => tables.includes(table));
  const followed = listeners.map((listener) => {
    const subscriptions = shown.map(({ lookup, columns, table }): [string, Subscription] => {
      const names = columns.map(([name]) => name).join(' ');
      const text = `subscription { ${lookup}Changed { operation nodeId node { ${names} } } }`;
      return [table, listener.subscribe(text)];
    });
    return new Map(subscriptions);
  });
  await listening(world.api, clients.length * shown.length);
  return followed.map((subscriptions, i) => ({
    raw: () => listeners[i]?.raw() ?? '',
    told: (table: string, id: string): string[] =>
      (subscriptions.get(table)?.told() ?? [])
        .filter(({ nodeId }) => nodeId === nodeIdOf(table, id))
        .map(({ operation, node }) => `${operation}${node ? '' : ' without data'}`),
  }));
}

const clientOf = (name: string) =>
  world.everybody.find((who) => who.name === name)?.client as Client;

it('a row that moves to another workspace is deleted here, and created there', async () => {
  const { theirs, planter } = world;
  const tenants = cases.filter(({ tenancy }) => tenancy === 'workspace').map(({ table }) => table);
  const moving: Target[] = [];
  const { ids } = await sightOf(world, world.everybody[0] as Somebody);
  for (const target of await targetsOf(world)) {
    if (!tenants.includes(target.table) || !ids.get(target.table)?.has(target.id)) continue;
    if (!moving.some(({ table }) => table === target.table)) moving.push(target);
  }
  expect(moving.map(({ table }) => table).sort()).toEqual(
    tenants.filter((table) => table !== 'user_workspaces').sort(),
  );
  const [here, there] = await follow([clientOf('Owner'), clientOf('their Owner')], tenants);
  const before = here?.raw().length ?? 0;
  for (const { table, id, column, value } of moving) {
    const move = () =>
      planter.plant(`update ${table} set workspace_id = $2, ${column} = $3 where id = $1`, [
        id,
        theirs.workspaceId,
        value,
      ]);
    await move().catch(async () => {
      // There is room for one.
      await planter.plant(`delete from ${table} where workspace_id = $1`, [theirs.workspaceId]);
      await move();
    });
  }
  const isPersonal = (table: string) => /notifications|user_achievements|onboarding/.test(table);
  for (const { table, id } of moving) {
    await eventually(() => here?.told(table, id)).toEqual(['DELETED without data']);
    if (isPersonal(table)) continue;
    await eventually(() => there?.told(table, id)).toEqual(['CREATED']);
  }
  expect(here?.raw().length).toBeGreaterThan(before);
  const values = moving
    .map(({ value }) => value)
    .filter((value) => /[0-9a-f]{12}$/.test(`${value}`));
  expect(values.length).toBeGreaterThan(35);
  expect(textsIn(here?.raw() ?? '', values as string[])).toEqual([]);
  expect(textsIn(there?.raw() ?? '', values as string[]).length).toBeGreaterThan(30);
});

describe('a row of a person', () => {
  const run = (sql: string, ...values: unknown[]) => world.database.query(sql, values);

  it('an achievement is told to all while it is public, and to its person alone after that', async () => {
    const { workspaceId, people } = world.ours;
    const [achievement] = await run(
      'select id from achievements where workspace_id = $1',
      workspaceId,
    );
    await run('delete from user_achievements where workspace_id = $1', workspaceId);
    const id = await insert(world.database, 'user_achievements', {
      workspace_id: workspaceId,
      user_id: people.Creator,
      achievement_id: achievement?.id,
      unlocked_by_event: 'while public',
    });
    const update = (set: string) => run(`update user_achievements set ${set} where id = $1`, id);
    const table = 'user_achievements';
    const [person, other, agent] = await follow(
      [clientOf('Creator'), clientOf('Viewer'), clientOf('agent')],
      [table],
    );
    await update(`unlocked_by_event = 'still public'`);
    await update(`visibility = 'private', unlocked_by_event = 'made private'`);
    await update(`unlocked_by_event = 'in private'`);
    await update(`visibility = 'public', unlocked_by_event = 'public again'`);
    await run('delete from user_achievements where id = $1', id);
    await eventually(() => person?.told(table, id).length).toBe(5);
    await eventually(() => other?.told(table, id).at(-1)).toBe('DELETED without data');
    await eventually(() => agent?.told(table, id).at(-1)).toBe('DELETED without data');
    for (const each of [other, agent]) {
      expect(each?.raw()).not.toMatch(/made private|in private/);
      // When it was made private, and nothing of what happened in private.
      expect(each?.told(table, id).length).toBe(4);
    }
  });

  it('a notification that is handed to another person leaves the first one', async () => {
    const { workspaceId, people } = world.ours;
    const table = 'user_notifications';
    const [first, second, third] = await follow(
      [clientOf('Creator'), clientOf('Viewer'), clientOf('Owner')],
      [table],
    );
    const id = await insert(world.database, table, {
      workspace_id: workspaceId,
      user_id: people.Creator,
      title: 'For the first',
      message: 'For the first',
      notification_type: 'alert',
    });
    await eventually(() => first?.told(table, id)).toEqual(['CREATED']);
    await run(
      `update ${table} set user_id = $2, title = 'For the second' where id = $1`,
      id,
      people.Viewer,
    );
    await eventually(() => second?.told(table, id)).toEqual(['CREATED']);
    await run(`update ${table} set title = 'Still for the second' where id = $1`, id);
    await run(`delete from ${table} where id = $1`, id);
    await eventually(() => second?.told(table, id).at(-1)).toBe('DELETED without data');
    await eventually(() => first?.told(table, id)).toEqual(['CREATED', 'DELETED without data']);
    await quiet(listeners);
    expect(first?.told(table, id)).toEqual(['CREATED', 'DELETED without data']);
    expect(first?.raw()).not.toContain('second');
    expect(third?.told(table, id)).toEqual([]);
    expect(third?.raw()).not.toMatch(/For the|Still for/);
  });

  it('a subscription that is handed to another person is told to both, and to nobody else', async () => {
    const { workspaceId, people } = world.ours;
    const table = 'subscriptions';
    const [first, second, owner, other] = await follow(
      ['Creator', 'Viewer', 'Owner', 'Analyst'].map(clientOf),
      [table],
    );
    const id = await insert(world.database, table, {
      workspace_id: workspaceId,
      user_id: people.Creator,
      plan: 'of the first',
    });
    await eventually(() => first?.told(table, id)).toEqual(['CREATED']);
    await run(
      `update ${table} set user_id = $2, plan = 'of the second' where id = $1`,
      id,
      people.Viewer,
    );
    await eventually(() => second?.told(table, id)).toEqual(['CREATED']);
    await eventually(() => first?.told(table, id)).toEqual(['CREATED', 'DELETED without data']);
    expect(first?.raw()).not.toContain('of the second');
    await quiet(listeners);
    for (const somebody of [owner, other]) expect(somebody?.told(table, id)).toEqual([]);
  });
});

describe('a person who joins and leaves', () => {
  it('is told of, profile and all, to the members alone', async () => {
    const { ours, theirs, database } = world;
    const tables = ['user_workspaces', 'user_profiles', 'workspaces'];
    const [here, there, nowhere] = await follow(
      ['Viewer', 'their Owner', 'outsider'].map(clientOf),
      tables.filter((table) => table !== 'user_workspaces'),
    );
    const userId = randomUUID();
    const name = `person ${randomUUID()}`;
    const later = `person ${randomUUID()}`;
    await database.query('insert into auth.users (id) values ($1)', [userId]);
    await database.query(
      'insert into user_profiles (id, full_name) values ($1, $2) on conflict (id) do update set full_name = $2',
      [userId, name],
    );
    await insert(database, 'user_workspaces', {
      workspace_id: ours.workspaceId,
      user_id: userId,
      role: 'Viewer',
    });
    await eventually(() => here?.told('user_profiles', userId)).toEqual(['CREATED']);
    await database.query('delete from user_workspaces where user_id = $1', [userId]);
    await eventually(() => here?.told('user_profiles', userId)).toEqual([
      'CREATED',
      'DELETED without data',
    ]);
    await database.query('update user_profiles set full_name = $2 where id = $1', [userId, later]);
    await database.query(`update workspaces set name = 'Ours by name' where id = $1`, [
      ours.workspaceId,
    ]);
    await database.query(`update workspaces set name = 'Theirs by name' where id = $1`, [
      theirs.workspaceId,
    ]);
    await eventually(() => here?.told('workspaces', ours.workspaceId)).toEqual(['UPDATED']);
    await eventually(() => there?.told('workspaces', theirs.workspaceId)).toEqual(['UPDATED']);
    expect(here?.raw()).toContain(name);
    expect(here?.raw()).not.toContain(later);
    expect(here?.raw()).not.toContain('Theirs by name');
    expect(there?.raw()).not.toMatch(new RegExp(`${name}|${later}|${userId}|Ours by name`));
    expect(textsIn(there?.raw() ?? '', [userId])).toEqual([]);
    expect(nowhere?.raw()).not.toMatch(/person|by name/);
  });
});
