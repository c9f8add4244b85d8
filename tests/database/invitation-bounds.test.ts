import { describe, expect, test } from 'vitest';
import type { Actor } from '../support/database.ts';
import { race, refusals, successes } from '../support/race.ts';
import { createTenant, expectRefusal } from '../support/tenant.ts';
import {
  call,
  database,
  invite,
  letExpire,
  membershipsOf,
  newAddress,
  seenBy,
  settle,
  setUp,
  signUp,
  statusOf,
} from './invitation-world.ts';

setUp();

describe('bounds', () => {
  const LIMIT = 100;
  const fill = (workspaceId: string, invitedBy: string | null, count: number) =>
    database.query(
      `insert into gateway.invitation (workspace_id, email, invited_by)
       select $1, gen_random_uuid() || '@example.com', $2 from generate_series(1, $3)`,
      [workspaceId, invitedBy, count],
    );

  test('a workspace has at most 100 open invitations, also from concurrent senders', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    await fill(tenant.workspaceId, null, LIMIT - 5);
    const results = await race(() => invite(owner, newAddress()));
    expect(successes(results)).toHaveLength(5);
    expect(refusals(results)).toEqual(['CX001']);
    await expect(invite(owner, newAddress())).rejects.toMatchObject({
      code: 'CX001',
      detail: '{"limit" : 100, "current" : 100}',
    });
    const [{ id } = { id: '' }] = await seenBy(owner);
    await settle('revoke', owner, id);
    expect(await invite(owner, newAddress())).toMatchObject({ status: 'pending' });
  });

  test('a person sends at most 100 in 24 hours, in all workspaces together, also deleted ones', async () => {
    const [tenant, gone] = [await createTenant(database), await createTenant(database)];
    const owner = tenant.actor('Owner');
    await fill(gone.workspaceId, tenant.people.Owner, LIMIT - 1);
    await database.query('delete from workspaces where id = $1', [gone.workspaceId]);
    const last = await invite(owner, newAddress());
    await settle('revoke', owner, last.id);
    await expectRefusal(invite(owner, newAddress()), 'CX001', /in 24 hours/);
    await database.query(
      `update gateway.invitation set created_at = now() - interval '25 hours' where invited_by = $1`,
      [tenant.people.Owner],
    );
    expect(await invite(owner, newAddress())).toMatchObject({ status: 'pending' });
  });

  test('a person sees the 100 newest open ones, and senders do not learn their number', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    await database.query(
      `with w as (insert into workspaces (name) select 'Spam' from generate_series(1, $2) returning id)
       insert into gateway.invitation (workspace_id, email, created_at)
       select id, $1, now() - interval '1 hour' from w`,
      [person.email, LIMIT + 20],
    );
    const { id } = await invite(tenant.actor('Owner'), person.email);
    const seen = await seenBy(person);
    expect(seen).toHaveLength(LIMIT);
    expect(seen.map((each) => each.id)).toContain(id);
  });

  test('a person who owns 100 workspaces cannot create another one', async () => {
    const { userId } = await signUp();
    await database.query(
      `with w as (insert into workspaces (name) select 'Mine' from generate_series(1, $2) returning id)
       insert into user_workspaces (user_id, workspace_id, role) select $1, id, 'Owner' from w`,
      [userId, LIMIT - 5],
    );
    const results = await race(() => call({ userId }, `create_workspace('One more')`));
    expect(successes(results)).toHaveLength(5);
    expect(refusals(results)).toEqual(['CX001']);
  });
});

describe('upkeep', () => {
  const expire = async (pageSize: number) => {
    const [row] = await call({}, 'gateway.expire_invitations($1)', [pageSize]);
    return Number(Object.values(row ?? {})[0]);
  };

  test('marks expired invitations, and deletes those closed 30 days ago, page by page', async () => {
    while ((await expire(1000)) > 0);
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const open = await invite(owner, newAddress());
    const late = [await invite(owner, newAddress()), await invite(owner, newAddress())];
    const old = await invite(owner, newAddress());
    for (const { id } of late) await letExpire(id);
    await settle('revoke', owner, old.id);
    await database.query('alter table gateway.invitation disable trigger set_updated_at');
    await database.query(
      `update gateway.invitation set updated_at = now() - interval '31 days' where id = $1`,
      [old.id],
    );
    await database.query('alter table gateway.invitation enable trigger set_updated_at');
    expect((await seenBy(owner)).map(({ status }) => status).sort()).toEqual([
      'expired',
      'expired',
      'pending',
      'revoked',
    ]);

    expect([await expire(1), await expire(1), await expire(1)]).toEqual([2, 1, 0]);
    for (const { id } of late) expect(await statusOf(id)).toBe('expired');
    expect(await statusOf(old.id)).toBeUndefined();
    expect(await statusOf(open.id)).toBe('pending');
  });
});

describe('logs', () => {
  const changesOf = (id: string) =>
    database.query(
      `select workspace_id, reader_id, operation, changed_columns from gateway.change
       where table_name = 'invitation' and row_id = $1 order by seq, workspace_id`,
      [id],
    );

  test('each step is delivered to the person and to the Owners, and is in the audit log', async () => {
    const tenant = await createTenant(database);
    const { workspaceId } = tenant;
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email);
    await settle('accept', person, id);
    const expected = (operation: string, changed_columns: string[]) => [
      expect.objectContaining({
        workspace_id: null,
        reader_id: person.userId,
        operation,
        changed_columns,
      }),
      expect.objectContaining({
        workspace_id: workspaceId,
        reader_id: tenant.people.Owner,
        operation,
        changed_columns,
      }),
    ];
    const changes = await changesOf(id);
    expect(changes).toHaveLength(4);
    expect(changes).toEqual(
      expect.arrayContaining([...expected('INSERT', []), ...expected('UPDATE', ['status'])]),
    );
    const entries = await database.query(
      `select operation, actor, after ->> 'status' as status from gateway.audit_log
       where table_name = 'invitation' and row_id = $1 order by id`,
      [id],
    );
    expect(entries).toEqual([
      { operation: 'INSERT', actor: tenant.people.Owner, status: 'pending' },
      { operation: 'UPDATE', actor: person.userId, status: 'accepted' },
    ]);
    const read = (actor: Actor) => call(actor, `gateway.audit_log where table_name = 'invitation'`);
    expect(await read(tenant.actor('Viewer'))).toEqual([]);
    expect(await read(tenant.actor('Owner'))).toHaveLength(2);
  });

  test('an invitation that trusted writers insert is delivered too, and members cannot read its audit entry', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const [{ id } = { id: '' }] = await database.query<{ id: string }>(
      'insert into gateway.invitation (workspace_id, email) values ($1, $2) returning id',
      [tenant.workspaceId, person.email],
    );
    expect(await changesOf(id)).toContainEqual(
      expect.objectContaining({
        workspace_id: null,
        reader_id: person.userId,
        operation: 'INSERT',
      }),
    );
    expect(
      await call(tenant.actor('Viewer'), `gateway.audit_log where table_name = 'invitation'`),
    ).toEqual([]);
  });
});

describe('memberships', () => {
  test('cannot be inserted by clients in SQL, which can only change the role', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const owner = tenant.actor('Owner');
    const write = (sql: string) => database.as(owner, (query) => query(sql));
    for (const sql of [
      `insert into user_workspaces (user_id, workspace_id) values ('${person.userId}', '${tenant.workspaceId}')`,
      `update user_workspaces set user_id = '${person.userId}' where user_id = '${tenant.people.Viewer}'`,
      `update user_workspaces set joined_at = '2001-01-01' where user_id = '${tenant.people.Viewer}'`,
      `update user_workspaces set workspace_id = workspace_id`,
    ]) {
      await expectRefusal(write(sql), '42501', /permission denied/);
    }
    await write(
      `update user_workspaces set role = 'Creator' where user_id = '${tenant.people.Viewer}'`,
    );
    expect(await membershipsOf(tenant.people.Viewer)).toMatchObject([{ role: 'Creator' }]);
  });
});
