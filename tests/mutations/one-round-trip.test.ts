import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { startGateway, type TestGateway, token } from '../server/support/gateway.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

const UPDATE =
  'mutation ($id: UUID!, $input: CampaignUpdateInput!, $since: DateTime) { updateCampaign(id: $id, input: $input, ifUnmodifiedSince: $since) { id campaign { name quests { totalCount } } errors { __typename path } } }';
const CREATE =
  'mutation ($input: CampaignCreateInput!) { createCampaign(input: $input) { id campaign { id name } errors { __typename path } } }';
const CREATE_MANY =
  'mutation ($inputs: [CampaignCreateInput!]!) { createCampaigns(inputs: $inputs) { affected results { id campaign { id name status } errors { __typename path } } } }';
const DELETE =
  'mutation ($id: UUID!) { deleteCampaign(id: $id) { id campaign { name } errors { __typename path } } }';

let database: TestDatabase;
let gateway: TestGateway;
let ours: Tenant;
let theirs: Tenant;
let roundTrips = 0;
let owner: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase('migrated');
  [ours, theirs] = [await createTenant(database), await createTenant(database)];
  gateway = await startGateway(database.gatewayUrl, {
    schema,
    accelerated: true,
    onRoundTrip: () => {
      roundTrips += 1;
    },
  });
  owner = await headersOf(ours.people.Owner, ours.workspaceId);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const headersOf = async (sub: string, workspaceId?: string) => ({
  authorization: `Bearer ${await token({ sub, exp: Math.floor(Date.now() / 1000) + 600 })}`,
  ...(workspaceId ? { 'x-workspace-id': workspaceId } : {}),
});
const campaign = (name: string, { workspaceId } = ours) =>
  insert(database, 'campaigns', { workspace_id: workspaceId, name });
const nameOf = async (id: string) => {
  const [row] = await database.query<{ name: string }>('select name from campaigns where id = $1', [
    id,
  ]);
  return row?.name;
};

/** Sends a mutation whose document is known, and counts the round trips to the database. */
async function counted(query: string, variables: object, headers = owner) {
  await gateway.ask(query, headers, {});
  roundTrips = 0;
  const answer = await gateway.ask(query, headers, variables);
  return { ...answer, data: answer.data as Data, roundTrips };
}

describe('a mutation of one field takes one round trip', () => {
  beforeAll(async () => {
    // A document is known after its first answer.
    for (const query of [UPDATE, CREATE, CREATE_MANY, DELETE]) await gateway.ask(query, owner, {});
    await gateway.ask('{ viewer { email } }', owner);
  });

  it('an update', async () => {
    const id = await campaign('Before');
    const { data, roundTrips } = await counted(UPDATE, { id, input: { name: 'After' } });
    expect(data.updateCampaign).toEqual({
      id,
      campaign: { name: 'After', quests: { totalCount: 0 } },
      errors: [],
    });
    expect(roundTrips).toBe(1);
    expect(await nameOf(id)).toBe('After');
  });

  it('a creation', async () => {
    const { data, roundTrips } = await counted(CREATE, { input: { name: 'New' } });
    const { id } = data.createCampaign;
    expect(data.createCampaign).toEqual({ id, campaign: { id, name: 'New' }, errors: [] });
    expect(roundTrips).toBe(1);
    expect(await nameOf(id)).toBe('New');
  });

  it('a creation of 100 rows, which are returned in order', async () => {
    const inputs = Array.from({ length: 100 }, (_, n) => ({ name: `Row ${n}` }));
    const { data, roundTrips } = await counted(CREATE_MANY, { inputs });
    const { affected, results } = data.createCampaigns;
    expect([affected, roundTrips]).toEqual([100, 1]);
    expect(results.map(({ campaign: { name } }: Data) => ({ name }))).toEqual(inputs);
    expect(
      results.every(({ id, campaign, errors }: Data) => id === campaign.id && !errors.length),
    ).toBe(true);
  });

  it('a deletion, which returns the deleted row', async () => {
    const id = await campaign('Old');
    const { data, roundTrips } = await counted(DELETE, { id });
    expect(data.deleteCampaign).toEqual({ id, campaign: { name: 'Old' }, errors: [] });
    expect(roundTrips).toBe(1);
    expect(await nameOf(id)).toBeUndefined();
  });
});

describe('the mutation is executed field by field, with the error, for', () => {
  it('a missing or foreign row', async () => {
    const foreign = await campaign('Foreign', theirs);
    for (const id of [randomUUID(), foreign]) {
      for (const [query, variables] of [
        [UPDATE, { id, input: { name: 'Taken' } }],
        [DELETE, { id }],
      ] as const) {
        const { data } = await counted(query, variables);
        const [payload] = Object.values(data ?? {});
        expect(payload).toMatchObject({
          id: null,
          errors: [{ __typename: 'NotFoundError', path: ['id'] }],
        });
      }
    }
    expect(await nameOf(foreign)).toBe('Foreign');
  });

  it('a row that was changed since ifUnmodifiedSince', async () => {
    const id = await campaign('Before');
    const input = { name: 'After' };
    const late = await counted(UPDATE, { id, input, since: '2020-01-01T00:00:00.000Z' });
    expect(late.data.updateCampaign).toMatchObject({ errors: [{ __typename: 'ConflictError' }] });
    expect(await nameOf(id)).toBe('Before');
    const inTime = await counted(UPDATE, { id, input, since: '2120-01-01T00:00:00.000Z' });
    expect([inTime.data.updateCampaign, inTime.roundTrips]).toMatchObject([{ errors: [] }, 1]);
  });

  it('a value that the database refuses, with all rows', async () => {
    const inputs = [{ name: 'Fine' }, { name: 'Wrong', budgetAllocation: '-1' }];
    const [{ count } = { count: '' }] = await database.query<{ count: string }>(
      'select count(*) from campaigns',
    );
    const { data } = await counted(CREATE_MANY, { inputs });
    expect(data.createCampaigns).toMatchObject({
      affected: 0,
      results: [{ id: null }, { errors: [{ __typename: 'ValidationError' }] }],
    });
    expect(await database.query('select count(*) from campaigns')).toEqual([{ count }]);
  });

  it('an answer that cannot be shown, whose write is rolled back', async () => {
    const id = await campaign('Before');
    await database
      .query(`
      alter table campaigns drop constraint if exists campaigns_start_date_finite;
      alter table campaigns disable trigger user;
      update campaigns set start_date = 'infinity' where name = 'Before';
      alter table campaigns enable trigger user`)
      .catch(() => {});
    const query =
      'mutation ($id: UUID!, $input: CampaignUpdateInput!) { updateCampaign(id: $id, input: $input) { campaign { startDate } } }';
    const { errors } = await counted(query, { id, input: { name: 'After' } });
    expect(errors?.[0]?.extensions.code).toBe('UNREPRESENTABLE_VALUE');
    expect(await nameOf(id)).toBe('Before');
  });
});

describe('nothing is written for callers who have lost their access', () => {
  it('a removed member, or one with a lower role', async () => {
    const person = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [person]);
    await insert(database, 'user_workspaces', {
      user_id: person,
      workspace_id: ours.workspaceId,
      role: 'Owner',
    });
    const headers = await headersOf(person, ours.workspaceId);
    const id = await campaign('Before');
    const input = { name: 'After' };
    expect((await counted(UPDATE, { id, input }, headers)).roundTrips).toBe(1);
    await database.query(`update user_workspaces set role = 'Viewer' where user_id = $1`, [person]);
    const refused = await gateway.ask(UPDATE, headers, { id, input: { name: 'Viewed' } });
    expect(refused.data?.updateCampaign).toMatchObject({
      errors: [{ __typename: 'ForbiddenError' }],
    });
    await database.query('delete from user_workspaces where user_id = $1', [person]);
    const { errors } = await gateway.ask(UPDATE, headers, { id, input: { name: 'Removed' } });
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect(await nameOf(id)).toBe('After');
  });

  it('a person without the header whose first workspace has changed', async () => {
    const person = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [person]);
    const join = ({ workspaceId }: Tenant, joinedAt: string) =>
      insert(database, 'user_workspaces', {
        user_id: person,
        workspace_id: workspaceId,
        role: 'Owner',
        joined_at: joinedAt,
      });
    await join(ours, '2026-02-01');
    const headers = await headersOf(person);
    expect((await counted(CREATE, { input: { name: 'Ours' } }, headers)).roundTrips).toBe(1);
    await join(theirs, '2026-01-01');
    const { data } = await counted(CREATE, { input: { name: 'Theirs' } }, headers);
    const { id } = data.createCampaign;
    expect(await database.query('select workspace_id from campaigns where id = $1', [id])).toEqual([
      { workspace_id: theirs.workspaceId },
    ]);
  });
});

it('a write with an unknown outcome is not repeated', async () => {
  const id = await campaign('Cut');
  await database.query(`
    create sequence attempts;
    grant usage on sequence attempts to authenticated;
    create function cut_off() returns trigger language plpgsql as $$
    begin
      perform nextval('attempts');
      perform pg_terminate_backend(pg_backend_pid());
      return new;
    end $$;
    alter function cut_off() owner to postgres;
    alter function cut_off() security definer;
    create trigger cut_off before update on campaigns for each row
      when (new.name = 'Cut off') execute function cut_off()`);
  const { data, errors } = await counted(UPDATE, { id, input: { name: 'Cut off' } });
  expect(data).toEqual({ updateCampaign: null });
  expect(errors).toMatchObject([
    { path: ['updateCampaign'], extensions: { code: 'SERVICE_UNAVAILABLE' } },
  ]);
  expect(await database.query('select last_value from attempts')).toEqual([{ last_value: '1' }]);
});
