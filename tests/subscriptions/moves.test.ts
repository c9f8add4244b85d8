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
import { nodeIdOf, textsIn, visibilityOf } from './visibility.ts';
import {
  createLiveWorld,
  type LiveWorld,
  type Participant,
  type Target,
  targetsOf,
} from './world.ts';

let world: LiveWorld;
let listeners: Listener[] = [];
beforeAll(async () => {
  world = await createLiveWorld();
}, 120_000);
afterAll(async () => {
  await world?.close();
});

/** Subscribes each client to the changes of these tables. */
async function follow(clients: readonly Client[], tables: readonly string[]) {
  for (const listener of listeners) listener.close();
  await listening(world.api, 0);
  // The subscriptions start after all earlier changes.
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
    /** The events of a row. */
    events: (table: string, id: string): string[] =>
      (subscriptions.get(table)?.received() ?? [])
        .filter(({ nodeId }) => nodeId === nodeIdOf(table, id))
        .map(({ operation, node }) => `${operation}${node ? '' : ' without data'}`),
  }));
}

const clientOf = (name: string) =>
  world.participants.find((who) => who.name === name)?.client as Client;

it('a row that moves to another workspace is deleted in the old one and created in the new one', async () => {
  const { theirs, uncheckedWriter } = world;
  const tenants = cases.filter(({ tenancy }) => tenancy === 'workspace').map(({ table }) => table);
  const moving: Target[] = [];
  const { ids } = await visibilityOf(world, world.participants[0] as Participant);
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
      uncheckedWriter.write(`update ${table} set workspace_id = $2, ${column} = $3 where id = $1`, [
        id,
        theirs.workspaceId,
        value,
      ]);
    await move().catch(async () => {
      // The table allows one row for each workspace.
      await uncheckedWriter.write(`delete from ${table} where workspace_id = $1`, [
        theirs.workspaceId,
      ]);
      await move();
    });
  }
  const isPersonal = (table: string) => /notifications|user_achievements|onboarding/.test(table);
  for (const { table, id } of moving) {
    await eventually(() => here?.events(table, id)).toEqual(['DELETED without data']);
    if (isPersonal(table)) continue;
    await eventually(() => there?.events(table, id)).toEqual(['CREATED']);
  }
  expect(here?.raw().length).toBeGreaterThan(before);
  const values = moving
    .map(({ value }) => value)
    .filter((value) => /[0-9a-f]{12}$/.test(`${value}`));
  expect(values.length).toBeGreaterThan(35);
  expect(textsIn(here?.raw() ?? '', values as string[])).toEqual([]);
  expect(textsIn(there?.raw() ?? '', values as string[]).length).toBeGreaterThan(30);
});

describe('a personal row', () => {
  const run = (sql: string, ...values: unknown[]) => world.database.query(sql, values);

  it('an achievement is sent to all members while it is public, then only to its person', async () => {
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
    await eventually(() => person?.events(table, id).length).toBe(5);
    await eventually(() => other?.events(table, id).at(-1)).toBe('DELETED without data');
    await eventually(() => agent?.events(table, id).at(-1)).toBe('DELETED without data');
    for (const each of [other, agent]) {
      expect(each?.raw()).not.toMatch(/made private|in private/);
      // The event that made it private, but none while it was private.
      expect(each?.events(table, id).length).toBe(4);
    }
  });

  it('a notification that gets another person is deleted for the first one', async () => {
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
    await eventually(() => first?.events(table, id)).toEqual(['CREATED']);
    await run(
      `update ${table} set user_id = $2, title = 'For the second' where id = $1`,
      id,
      people.Viewer,
    );
    await eventually(() => second?.events(table, id)).toEqual(['CREATED']);
    await run(`update ${table} set title = 'Still for the second' where id = $1`, id);
    await run(`delete from ${table} where id = $1`, id);
    await eventually(() => second?.events(table, id).at(-1)).toBe('DELETED without data');
    await eventually(() => first?.events(table, id)).toEqual(['CREATED', 'DELETED without data']);
    await quiet(listeners);
    expect(first?.events(table, id)).toEqual(['CREATED', 'DELETED without data']);
    expect(first?.raw()).not.toContain('second');
    expect(third?.events(table, id)).toEqual([]);
    expect(third?.raw()).not.toMatch(/For the|Still for/);
  });

  it('a subscription that gets another person is sent only to these two people', async () => {
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
    await eventually(() => first?.events(table, id)).toEqual(['CREATED']);
    await run(
      `update ${table} set user_id = $2, plan = 'of the second' where id = $1`,
      id,
      people.Viewer,
    );
    await eventually(() => second?.events(table, id)).toEqual(['CREATED']);
    await eventually(() => first?.events(table, id)).toEqual(['CREATED', 'DELETED without data']);
    expect(first?.raw()).not.toContain('of the second');
    await quiet(listeners);
    for (const each of [owner, other]) expect(each?.events(table, id)).toEqual([]);
  });
});

describe('a person who joins and leaves', () => {
  it('is sent with their profile to the members only', async () => {
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
    await eventually(() => here?.events('user_profiles', userId)).toEqual(['CREATED']);
    await database.query('delete from user_workspaces where user_id = $1', [userId]);
    await eventually(() => here?.events('user_profiles', userId)).toEqual([
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
    await eventually(() => here?.events('workspaces', ours.workspaceId)).toEqual(['UPDATED']);
    await eventually(() => there?.events('workspaces', theirs.workspaceId)).toEqual(['UPDATED']);
    expect(here?.raw()).toContain(name);
    expect(here?.raw()).not.toContain(later);
    expect(here?.raw()).not.toContain('Theirs by name');
    expect(there?.raw()).not.toMatch(new RegExp(`${name}|${later}|${userId}|Ours by name`));
    expect(textsIn(there?.raw() ?? '', [userId])).toEqual([]);
    expect(nowhere?.raw()).not.toMatch(/person|by name/);
  });
});
