import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { insert } from '../../support/tenant.ts';
import { createLiveWorld, type LiveWorld, TRANSPORTS } from './live-world.ts';

let world: LiveWorld;
let holder: pg.Client;
beforeAll(async () => {
  world = await createLiveWorld();
  holder = new pg.Client(world.database.url);
  await holder.connect();
});
afterEach(async () => {
  await holder.query('rollback');
  await world.leave();
});
afterAll(async () => {
  await holder?.end();
  await world?.close();
});

/** Makes reads of a table wait, at most until the end of the test. */
const hold = (table: string) => holder.query(`begin; lock table ${table} in access exclusive mode`);
const waiting = (count: number) =>
  eventually(async () => {
    const rows = await world.database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event = 'relation'`,
    );
    return rows.length;
  }).toBe(count);
const listening = (subscribers: number) =>
  eventually(async () => (await world.streams()).subscribers).toBe(subscribers);
/** Long enough for a cancel request, which would be sent at once. */
const waitForCancel = () => new Promise((resolve) => setTimeout(resolve, 100));
const addCampaign = () =>
  insert(world.database, 'campaigns', { workspace_id: world.ours.workspaceId, name: 'Another' });

const LIVE = 'query @live { campaigns { nodes { name } } }';
const CHANGES = 'campaignChanged { cursor node { name quests(first: 1) { nodes { name } } } }';

describe.each(TRANSPORTS)('the read for a group (%s)', (transport) => {
  it('of a live query is cancelled when the last of its members leaves', async () => {
    await hold('campaigns');
    const [first, second] = [await world.open(LIVE, { transport }), await world.open(LIVE)];
    await listening(2);
    await waiting(1);
    first.end();
    await listening(1);
    await waitForCancel();
    await waiting(1);
    second.end();
    await waiting(0);
  });

  it('of a change is cancelled when the last of its members leaves', async () => {
    const query = `subscription { ${CHANGES} }`;
    const [first, second] = [await world.open(query, { transport }), await world.open(query)];
    await listening(2);
    await hold('campaign_quests');
    await addCampaign();
    await waiting(1);
    first.end();
    await listening(1);
    await waitForCancel();
    await waiting(1);
    second.end();
    await waiting(0);
  });
});

describe('a replay', () => {
  it('is cancelled when its last client leaves, even if their group has other members', async () => {
    const { campaigns } = await world.ask('query { campaigns { liveCursor } }');
    await addCampaign();
    const query = `subscription ($after: String) { ${CHANGES.replace('{', '(after: $after) {')} }`;
    const staying = await world.open(query);
    await listening(1);
    await hold('campaign_quests');
    const variables = { after: campaigns.liveCursor };
    const late = [await world.open(query, { variables }), await world.open(query, { variables })];
    await listening(3);
    expect(await world.streams()).toEqual({ subscribers: 3, groups: 1 });
    await waiting(1);
    late[0]?.end();
    await listening(2);
    await waitForCancel();
    await waiting(1);
    late[1]?.end();
    await waiting(0);
    await holder.query('rollback');
    await addCampaign();
    await eventually(() => staying.results.length).toBe(1);
    expect(staying.last()?.errors).toBeUndefined();
  });

  it('logs no errors when it is cancelled', () => {
    expect(world.gateway.log).toEqual([]);
  });
});
