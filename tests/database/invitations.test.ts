import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, refusals, rounds, successes } from '../support/race.ts';
import { createTenant, expectRefusal, type Role, service } from '../support/tenant.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase('migrated', CALLERS);
});
afterAll(() => database.close());

interface Invitation {
  id: string;
  workspace_id: string;
  email: string;
  role: Role;
  status: string;
}

const call = (actor: Actor, expression: string, values: unknown[] = []) =>
  database.as(actor, (query) => query<Invitation>(`select * from ${expression}`, values));

const newAddress = () => `${randomUUID()}@example.com`;

/** Signs somebody up, without any workspace. */
async function signUp(email = newAddress()): Promise<{ email: string; userId: string }> {
  const userId = randomUUID();
  await database.query('insert into auth.users (id, email) values ($1, $2)', [userId, email]);
  return { email, userId };
}

async function invite(actor: Actor, email: string, role: Role = 'Viewer'): Promise<Invitation> {
  const values = [actor.workspaceId, email, role];
  const [sent] = await call(actor, 'invite_workspace_member($1, $2, $3)', values);
  return sent as Invitation;
}

const settle = (step: 'accept' | 'decline' | 'revoke', actor: Actor, id: string) =>
  call(actor, `${step}_invitation($1)`, [id]);

const seenBy = (actor: Actor) => call(actor, 'invitation order by created_at, id');

const membershipsOf = (userId: string) =>
  database.query('select workspace_id, role from user_workspaces where user_id = $1', [userId]);

const statusOf = async (id: string) =>
  (await database.query('select status from gateway.invitation where id = $1', [id]))[0]?.status;

/** Makes an invitation as old as if it had been sent 15 days ago. */
const letExpire = (id: string) =>
  database.query(
    `update gateway.invitation set created_at = now() - interval '15 days', expires_at = now() - interval '1 day' where id = $1`,
    [id],
  );

describe('inviting', () => {
  test('stores the address in lower case, for a Viewer and 14 days unless told otherwise', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const [sent] = await call(owner, 'invite_workspace_member($1, $2)', [
      tenant.workspaceId,
      ' Asha.Rao@Example.COM ',
    ]);
    expect(sent).toMatchObject({
      workspace_id: tenant.workspaceId,
      email: 'asha.rao@example.com',
      role: 'Viewer',
      invited_by: tenant.people.Owner,
      status: 'pending',
    });
    const [{ days } = {}] = await database.query(
      `select extract(day from expires_at - created_at)::int as days from gateway.invitation where id = $1`,
      [sent?.id],
    );
    expect(days).toBe(14);
  });

  test('answers the same for an address that nobody, somebody, or a member of another workspace has', async () => {
    const tenant = await createTenant(database);
    const elsewhere = await createTenant(database);
    const stranger = await signUp();
    const member = await signUp();
    await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      member.userId,
      elsewhere.workspaceId,
    ]);
    const invited = newAddress();
    await invite(elsewhere.actor('Owner'), invited);
    for (const email of [newAddress(), stranger.email, member.email, invited]) {
      const { id, ...rest } = await invite(tenant.actor('Owner'), email);
      expect(rest).toEqual({
        workspace_id: tenant.workspaceId,
        email,
        role: 'Viewer',
        invited_by: tenant.people.Owner,
        status: 'pending',
        created_at: expect.any(Date),
        expires_at: expect.any(Date),
        updated_at: expect.any(Date),
      });
      expect(id).toEqual(expect.any(String));
    }
    expect(await membershipsOf(stranger.userId)).toEqual([]);
    expect(await membershipsOf(member.userId)).toHaveLength(1);
  });

  test('refuses a member of this workspace, and an address that is invited already', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const colleague = await signUp(`Colleague-${newAddress()}`);
    await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      colleague.userId,
      tenant.workspaceId,
    ]);
    await expectRefusal(invite(owner, colleague.email), 'CX002', /is a member/);
    const email = newAddress();
    const first = await invite(owner, email);
    await expectRefusal(invite(owner, email.toUpperCase()), 'CX002', /open invitation/);
    await letExpire(first.id);
    expect(await invite(owner, email)).toMatchObject({ status: 'pending' });
    expect(await statusOf(first.id)).toBe('expired');
  });

  test.each(['', ' ', 'asha', '@example.com', 'a b@example.com', `${'a'.repeat(250)}@example.com`])(
    'refuses %j',
    async (email) => {
      const tenant = await createTenant(database);
      await expectRefusal(invite(tenant.actor('Owner'), email), '22023', /^email/);
    },
  );

  test('is for Owners of the workspace and trusted writers', async () => {
    const tenant = await createTenant(database);
    const foreign = await createTenant(database);
    const { workspaceId } = tenant;
    const others = (['Strategist', 'Creator', 'Analyst', 'Viewer'] as const).map(tenant.actor);
    for (const actor of [...others, { ...foreign.actor('Owner'), workspaceId }]) {
      await expectRefusal(invite(actor, newAddress()), '42501', /role Owner/);
    }
    const [sent] = await call(service, 'invite_workspace_member($1, $2)', [
      workspaceId,
      newAddress(),
    ]);
    expect(sent).toMatchObject({ invited_by: null, status: 'pending' });
  });
});

describe('who sees an invitation', () => {
  test('its person in no workspace, and Owners in theirs; nobody else', async () => {
    const tenant = await createTenant(database);
    const foreign = await createTenant(database);
    await database.query(`update user_profiles set full_name = 'Asha Rao' where id = $1`, [
      tenant.people.Owner,
    ]);
    const person = await signUp(`Person-${newAddress()}`);
    const { id } = await invite(tenant.actor('Owner'), person.email, 'Creator');
    const seen = {
      id,
      workspace_id: tenant.workspaceId,
      workspace_name: 'Workspace',
      email: person.email.toLowerCase(),
      role: 'Creator',
      inviter_name: 'Asha Rao',
      status: 'pending',
      is_received: true,
      created_at: expect.any(Date),
      expires_at: expect.any(Date),
    };
    expect(await seenBy({ userId: person.userId })).toEqual([seen]);
    expect(await seenBy(tenant.actor('Owner'))).toEqual([{ ...seen, is_received: false }]);
    expect(await seenBy({ userId: tenant.people.Owner })).toEqual([]);
    for (const actor of [
      tenant.actor('Strategist'),
      tenant.actor('Viewer'),
      foreign.actor('Owner'),
      { ...foreign.actor('Owner'), workspaceId: tenant.workspaceId },
      { workspaceId: tenant.workspaceId },
      { agent: 'nobody', scopes: ['*:write'], workspaceId: tenant.workspaceId },
    ]) {
      expect(await seenBy(actor)).toEqual([]);
    }
  });

  test('nothing of the workspace or of its people before it is accepted', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    await invite(tenant.actor('Owner'), person.email);
    const profiles = (actor: Actor) => call(actor, 'user_profiles');
    const asMember = { userId: person.userId, workspaceId: tenant.workspaceId };
    expect(await profiles(asMember)).toMatchObject([{ id: person.userId }]);
    expect(await call(asMember, 'workspaces')).toEqual([]);
    expect(await profiles(tenant.actor('Owner'))).not.toContainEqual(
      expect.objectContaining({ id: person.userId }),
    );
  });

  test('the address in auth.users counts, once it is confirmed, and no claim', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email);
    const impostor = await signUp();
    const claims = JSON.stringify({ sub: impostor.userId, email: person.email });
    const claimed = (sql: string) =>
      database.as({ userId: impostor.userId }, async (query) => {
        await query(`select set_config('request.jwt.claims', $1, true)`, [claims]);
        return query(sql);
      });
    expect(await claimed('select * from invitation')).toEqual([]);
    await expectRefusal(
      claimed(`select accept_invitation('${id}')`),
      'P0002',
      /no such open invitation/,
    );

    await database.query('alter table auth.users add column email_confirmed_at timestamptz');
    try {
      expect(await seenBy({ userId: person.userId })).toEqual([]);
      await expectRefusal(settle('accept', { userId: person.userId }, id), 'P0002', /no such/);
      await database.query('update auth.users set email_confirmed_at = now() where id = $1', [
        person.userId,
      ]);
      expect(await seenBy({ userId: person.userId })).toMatchObject([{ id }]);
    } finally {
      await database.query('alter table auth.users drop column email_confirmed_at');
    }
  });

  test('no client reads or writes the table itself', async () => {
    const tenant = await createTenant(database);
    for (const sql of [
      'select from gateway.invitation',
      `insert into gateway.invitation (workspace_id, email) values ('${tenant.workspaceId}', 'a@example.com')`,
      `update gateway.invitation set status = 'accepted'`,
      'delete from gateway.invitation',
    ]) {
      const attempt = database.as(tenant.actor('Owner'), (query) => query(sql));
      await expectRefusal(attempt, '42501', /permission denied/);
    }
  });
});

describe('settling', () => {
  test('accepting makes its person a member with its role, once', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email, 'Analyst');
    expect(await settle('accept', person, id)).toMatchObject([{ id, status: 'accepted' }]);
    expect(await membershipsOf(person.userId)).toEqual([
      { workspace_id: tenant.workspaceId, role: 'Analyst' },
    ]);
    await expectRefusal(settle('accept', person, id), 'P0002', /no such open invitation/);
  });

  test('accepting leaves the role of who has become a member meanwhile', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email, 'Owner');
    await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      person.userId,
      tenant.workspaceId,
    ]);
    expect(await settle('accept', person, id)).toMatchObject([{ status: 'accepted' }]);
    expect(await membershipsOf(person.userId)).toMatchObject([{ role: 'Viewer' }]);
  });

  test('declining and revoking make nobody a member', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const person = await signUp();
    const declined = await invite(owner, person.email);
    expect(await settle('decline', person, declined.id)).toMatchObject([{ status: 'declined' }]);
    const revoked = await invite(owner, person.email);
    expect(await settle('revoke', owner, revoked.id)).toMatchObject([{ status: 'revoked' }]);
    expect(await membershipsOf(person.userId)).toEqual([]);
  });

  test('what is unknown, foreign, settled, expired, or of a deleted workspace is refused alike', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const person = await signUp();
    const sent = async (then: (id: string) => Promise<unknown>) => {
      const gone = await createTenant(database);
      const { id } = await invite(gone.actor('Owner'), person.email);
      await then(id);
      return id;
    };
    const foreign = await invite(owner, (await signUp()).email);
    const ids = [
      randomUUID(),
      foreign.id,
      await sent((id) => settle('decline', person, id)),
      await sent((id) => settle('revoke', service, id)),
      await sent(letExpire),
      await sent((id) =>
        database.query(
          'delete from workspaces where id = (select workspace_id from gateway.invitation where id = $1)',
          [id],
        ),
      ),
    ];
    for (const id of ids) {
      for (const step of ['accept', 'decline'] as const) {
        await expectRefusal(
          settle(step, person, id),
          'P0002',
          /^there is no such open invitation for you$/,
        );
      }
    }
    expect(await membershipsOf(person.userId)).toEqual([]);
    const theirs = await createTenant(database);
    for (const id of [...ids.filter((each) => each !== foreign.id), randomUUID()]) {
      await expectRefusal(settle('revoke', owner, id), 'P0002', /no such open invitation/);
    }
    await expectRefusal(settle('revoke', theirs.actor('Owner'), foreign.id), 'P0002', /no such/);
    for (const actor of [tenant.actor('Strategist'), { userId: tenant.people.Owner }, person]) {
      await expectRefusal(settle('revoke', actor, foreign.id), '42501', /role Owner/);
    }
    expect(await statusOf(foreign.id)).toBe('pending');
  });

  test('a race of acceptances, refusals and revocations has one winner', async () => {
    await rounds(async () => {
      const tenant = await createTenant(database);
      const owner = tenant.actor('Owner');
      const person = await signUp();
      const { id } = await invite(owner, person.email);
      const steps = [
        ['accept', person] as const,
        ['decline', person] as const,
        ['revoke', owner] as const,
      ];
      const results = await race((caller) => {
        const [step, actor] = steps[caller % steps.length] as (typeof steps)[number];
        return settle(step, actor, id);
      });
      const [[winner] = []] = successes(results);
      expect(successes(results)).toHaveLength(1);
      expect(refusals(results)).toEqual(['P0002']);
      expect(await statusOf(id)).toBe(winner?.status);
      expect(await membershipsOf(person.userId)).toHaveLength(
        winner?.status === 'accepted' ? 1 : 0,
      );
    });
  });
});

describe('bounds', () => {
  const LIMIT = 100;
  const fill = (workspaceId: string, invitedBy: string | null, count: number) =>
    database.query(
      `insert into gateway.invitation (workspace_id, email, invited_by)
       select $1, gen_random_uuid() || '@example.com', $2 from generate_series(1, $3)`,
      [workspaceId, invitedBy, count],
    );

  test('a workspace has 100 open invitations, whoever sends them at once', async () => {
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

  test('a person sends 100 in 24 hours, in all workspaces together, deleted ones too', async () => {
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

  test('a person sees the 100 newest open ones, and the sender does not learn how many there are', async () => {
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

  test('a person who owns 100 workspaces creates no more', async () => {
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

  test('marks what nobody answered, and deletes what was settled 30 days ago, page by page', async () => {
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

  test('each step is told to the person and to the Owners, and is in the audit log', async () => {
    const tenant = await createTenant(database);
    const { workspaceId } = tenant;
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email);
    await settle('accept', person, id);
    const told = (operation: string, changed_columns: string[]) => [
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
      expect.arrayContaining([...told('INSERT', []), ...told('UPDATE', ['status'])]),
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

  test('an invitation that trusted writers insert is told too, and its entry is no member’s', async () => {
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
  test('are made by no client in SQL, and only their role is changed', async () => {
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
