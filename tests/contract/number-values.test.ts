import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Data } from '../support/data.ts';
import { created, NO_FLOAT, post } from './number-documents.ts';
import { createWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
});
afterAll(() => world?.close());

describe('a number that a double can hold keeps its value', () => {
  const HELD = [
    '0.1',
    '1.10',
    '-0',
    '1e22',
    '6.02214076e23',
    '9007199254740994',
    '5e-7',
    '0.30000000000000004',
    '-123456.789',
  ];
  const isEqual = (stored: string, number: string) =>
    world.database.query<{ same: boolean }>('select $1::numeric = $2::numeric as same', [
      stored,
      number,
    ]);

  it.each(['JSON', 'Decimal', 'Float'])('as a %s', async (type) => {
    const [model, column, name] =
      type === 'Float'
        ? (['Trend', 'velocity', 'topic'] as const)
        : ([
            'Campaign',
            type === 'JSON' ? 'resource_allocation' : 'roi_percentage',
            'name',
          ] as const);
    const argument = column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    for (const [i, number] of HELD.entries()) {
      const field = created(model, `${name}: "held", ${argument}: @`);
      const [answer, literal] = await Promise.all([
        post(world, `mutation($v: ${type}!) { ${field.replace('@', '$v')} }`, `{"v":${number}}`),
        post(world, `mutation { ${field.replace('@', number)} }`, '{}'),
      ]);
      for (const { data } of [answer, literal]) {
        const { id, errors } = data[`create${model}`];
        expect(errors, `${number} ${i}`).toEqual([]);
        const [row] = await world.database.query<{ stored: string }>(
          `select ${column}::text as stored from ${model === 'Trend' ? 'trends' : 'campaigns'} where id = $1`,
          [id],
        );
        expect(await isEqual(String(row?.stored), number)).toEqual([{ same: true }]);
      }
    }
  });

  // Doubles as other languages print them, and larger than any integer type.
  const DOUBLES = [
    '0.10000000000000001',
    '0.30000000000000004',
    '3000000000',
    '9007199254740994',
    '9223372036854775808',
    '-18446744073709551616',
    '123456789012345680000',
    '2231475608423352.2',
    '1.2345678901234567e100',
    '-1.7976931348623157e308',
    '5e-324',
  ];
  it.each(DOUBLES)('%s as a Float in a row, in filters and in cursors', async (number) => {
    await world.database.query('delete from trends');
    const document = `mutation($v: Float!) { ${created('Trend', 'topic: "double", velocity: $v')} }`;
    const answer = await post(world, document, `{"v":${number}}`);
    const { id } = answer?.data.createTrend ?? {};
    const rows = await world.database.query(
      'select id from trends where velocity = $1::float8 and id = $2',
      [number, id],
    );
    expect(rows).toHaveLength(1);
    const found = [
      'equals: $v',
      'in: [0.5, $v]',
      'in: [$v, 3000000000, 0.1]',
      'lte: $v',
      'gte: $v',
    ];
    const lost = ['not: $v', 'notIn: [0.5, $v]', 'lt: $v', 'gt: $v'];
    const lists = [...found, ...lost].map(
      (operator, i) =>
        `a${i}: trends(filter: { velocity: { ${operator} } }) { nodes { id velocity } }`,
    );
    const compared = await post(
      world,
      `query($v: Float!) { ${lists.join(' ')} }`,
      `{"v":${number}}`,
    );
    const nodes = [...found, ...lost].map((_, i) => compared?.data[`a${i}`].nodes);
    expect(nodes.slice(0, found.length)).toEqual(
      found.map(() => [{ id, velocity: Number(number) }]),
    );
    expect(nodes.slice(found.length)).toEqual(lost.map(() => []));
    const page = (after: string) =>
      `trends(first: 1, ${after} orderBy: [{ field: VELOCITY }]) { edges { cursor node { id } } }`;
    const first = await world.ours.client.data(`{ ${page('')} }`);
    const next = await world.ours.client.data(
      `{ ${page(`after: "${first.trends.edges[0].cursor}",`)} }`,
    );
    expect(next.trends.edges).toEqual([]);
  });

  it.each([
    '0.30000000000000004',
    '12345678901234.568',
    '1.2345678901234567e+100',
    '-1.2345678901234568e+30',
  ])('%s in filters on JSON', async (number) => {
    const double = String(Number(number));
    await world.database.query('update campaigns set resource_allocation = $1', [
      `{"n": ${double}}`,
    ]);
    const count = async (operator: string) => {
      const document = `query($v: JSON!) { campaigns(filter: { resourceAllocation: { path: ["n"], ${operator}: $v } }) { totalCount } }`;
      const answer = await post(world, document, `{"v":${double}}`);
      return answer?.data.campaigns.totalCount > 0;
    };
    const operators = ['equals', 'lte', 'gte', 'not', 'lt', 'gt'];
    expect(await Promise.all(operators.map(count))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('and other numbers are refused in a cursor', async () => {
    const page = (after: string) =>
      world.ours.client.ask(
        `{ trends(first: 1, ${after} orderBy: [{ field: VELOCITY }]) { edges { cursor } } }`,
      );
    await world.database.query('update trends set velocity = 0.5');
    const { trends } = (await page('')).data as Data;
    const position = Buffer.from(trends.edges[0].cursor, 'base64url').toString();
    for (const number of NO_FLOAT) {
      const cursor = Buffer.from(position.replace('0.5', number)).toString('base64url');
      const { errors } = await page(`after: "${cursor}",`);
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });

  it.each(['1e999', '-1e-999', `${'9'.repeat(990)}.5`, '+.5', '0012.50', '-0.0'])(
    'as a Decimal in a string: %s',
    async (number) => {
      const query = `mutation($v: Decimal!) { createCampaign(input: { name: "d", roiPercentage: $v }) { id campaign { roiPercentage } errors { message } } }`;
      const { createCampaign } = await world.ours.client.data(query, { v: number });
      expect(createCampaign.errors).toEqual([]);
      const { roiPercentage } = createCampaign.campaign;
      expect(await isEqual(roiPercentage, number)).toEqual([{ same: true }]);
      const found = await world.ours.client.data(
        'query($v: Decimal!) { campaigns(filter: { roiPercentage: { equals: $v } }) { nodes { id } } }',
        { v: number },
      );
      expect(found.campaigns.nodes).toContainEqual({ id: createCampaign.id });
    },
  );

  it('with all digits as a Decimal in a string and as a BigInt', async () => {
    const input = 'name: "long", budgetAllocation: "123456789012345678901234567890.1234567890"';
    const { createCampaign } = await world.ours.client.data(
      `mutation { ${created('Campaign', input)} }`,
    );
    const { campaigns } = await world.ours.client.data(
      '{ campaigns(filter: { budgetAllocation: { equals: "123456789012345678901234567890.123456789" }, totalReach: { lt: 9007199254740993 } }) { nodes { id budgetAllocation } } }',
    );
    expect(campaigns.nodes).toEqual([
      { id: createCampaign.id, budgetAllocation: '123456789012345678901234567890.123456789' },
    ]);
  });
});
