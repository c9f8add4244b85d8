import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorld, type World } from '../contract/world.ts';
import { openApi } from '../support/api.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(1);
  await world.database.query(`
    update campaigns
    set budget_allocation = 12345678901234567890.123456789, total_reach = 9007199254740993,
        target_segments = null, created_at = '2026-03-01T09:30:00.123Z', start_date = '2026-03-02'`);
});
afterAll(() => world?.close());

const exact = {
  budgetAllocation: '12345678901234567890.123456789',
  totalReach: '9007199254740993',
  targetSegments: [],
  createdAt: '2026-03-01T09:30:00.123Z',
  startDate: '2026-03-02',
};
const columns = Object.keys(exact).join(' ');

it('shows every digit of a row', async () => {
  const { campaigns } = await world.ours.client.data(`{ campaigns { nodes { ${columns} } } }`);
  expect(campaigns.nodes).toEqual([exact]);
});

it('shows every digit of a related row, which comes as JSON', async () => {
  const { viewer, moves } = await world.ours.client.data(`{
    viewer { workspace { campaigns { nodes { ${columns} } } } }
    moves { nodes { campaign { ${columns} } } }
  }`);
  expect(viewer.workspace.campaigns.nodes).toEqual([exact]);
  expect(moves.nodes).toEqual([{ campaign: exact }]);
});

it.each([1e-7, 0.30000000000000004, 5e-324, 1.7976931348623157e308, 123456789012345680000])(
  'shows the float %d of a row and of a related one',
  async (confidence) => {
    const { database, ours } = world;
    await database.query('update experiments set confidence = $1', [confidence]);
    const { experiments, moves } = await ours.client.data(`{
      experiments { nodes { confidence } }
      moves { nodes { experiments { nodes { confidence } } } }
    }`);
    expect(experiments.nodes).toEqual([{ confidence }]);
    expect(moves.nodes).toEqual([{ experiments: { nodes: [{ confidence }] } }]);
  },
);

it('shows JSON null in a required column', async () => {
  await world.database.query(`update cohorts set demographics = 'null'`);
  const { cohorts } = await world.ours.client.data('{ cohorts { nodes { demographics } } }');
  expect(cohorts.nodes).toEqual([{ demographics: null }]);
});

it('does not depend on the defaults of the server', async () => {
  const { database, ours } = world;
  await database.query('update experiments set confidence = 0.30000000000000004');
  const query = `{ campaigns { nodes { ${columns} } } experiments { nodes { confidence createdAt } } }`;
  const before = await ours.client.data(query);
  expect(before.experiments.nodes[0].confidence).toBe(0.30000000000000004);
  const name = new URL(database.url).pathname.slice(1);
  for (const setting of [
    "datestyle = 'SQL, DMY'",
    'extra_float_digits = -5',
    "timezone = 'Asia/Kolkata'",
  ]) {
    await database.query(`alter database ${name} set ${setting}`);
  }
  const api = await openApi(database);
  const client = await api.as(ours.ownerId, ours.workspaceId);
  expect(await client.data(query)).toEqual(before);
  await api.close();
});
