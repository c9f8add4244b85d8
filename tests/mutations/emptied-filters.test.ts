import { getNamedType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { askAll, type FieldRequest } from '../contract/batch.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { mutationFields, type Writable, writables } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

/** Every field of Mutation with a filter, and the model of its rows. */
const bulk = Object.values(mutationFields).flatMap(({ name, args }) => {
  const filter = args.find(({ type }) => getNamedType(type).name.endsWith('Filter'));
  const model = filter && getNamedType(filter.type).name.replace(/Filter$/, '');
  const writable = writables.find((each) => each.name === model);
  return writable ? [[name, writable] as const] : [];
});

/** A filter with an empty object, and its path; its variables are not sent. */
type Emptied = [filter: string, path: string, types?: readonly string[]];

function fieldType(input: string, field: string): string {
  const type = schema.getType(input);
  return isInputObjectType(type) ? String(type.getFields()[field]?.type) : '';
}

function emptiedFilters({ name, comparable: columns, one, many }: Writable): Emptied[] {
  const column = columns.find(([, { type, isList }]) => type !== 'Json' && !isList)?.[0] as string;
  const comparisons = fieldType(`${name}Filter`, column);
  const operand = [fieldType(comparisons, 'equals')];
  const unsent = `{ ${column}: { equals: $0 } }`;
  const given = '{ id: { notIn: [] } }';
  const emptied: Emptied[] = [
    ['{}', ''],
    ['{ id: {} }', '.id'],
    [unsent, `.${column}`, operand],
    [`{ ${column}: $0 }`, `.${column}`, [comparisons]],
    [`{ and: [${given}], ${column}: { equals: $0 } }`, `.${column}`, operand],
    ['{ and: [] }', '.and'],
    ['{ or: [] }', '.or'],
    ['{ and: [{}] }', '.and[0]'],
    [`{ or: [${given}, ${unsent}] }`, `.or[1].${column}`, operand],
    ['{ not: {} }', '.not'],
    [`{ not: ${unsent} }`, `.not.${column}`, operand],
    [`{ not: { or: [{ not: ${unsent} }] } }`, `.not.or[0].not.${column}`, operand],
  ];
  const idOf = (to: string) => [fieldType(fieldType(`${to}Filter`, 'id'), 'equals')];
  for (const [relation, { to }] of one) {
    emptied.push(
      [`{ ${relation}: {} }`, `.${relation}`],
      [`{ ${relation}: { id: { equals: $0 } } }`, `.${relation}.id`, idOf(to)],
    );
  }
  for (const [relation, { to }] of many) {
    emptied.push(
      [`{ ${relation}: {} }`, `.${relation}`],
      [`{ ${relation}: { some: {} } }`, `.${relation}.some`],
      [`{ ${relation}: { every: { id: { equals: $0 } } } }`, `.${relation}.every.id`, idOf(to)],
      [`{ ${relation}: { none: { not: {} } } }`, `.${relation}.none.not`],
    );
  }
  for (const [json] of columns.filter(([, { type }]) => type === 'Json').slice(0, 1)) {
    emptied.push(
      [`{ ${json}: { path: ["a"] } }`, `.${json}`],
      [`{ ${json}: { equals: $0 } }`, `.${json}`, ['JSON']],
      [`{ ${json}: { equals: { a: [$0] } } }`, `.${json}.equals`, ['JSON']],
    );
  }
  return emptied;
}

const counts = (table: string) => world.database.query(`select count(*)::int as n from ${table}`);

describe('a filter with an empty object is refused, with its path', () => {
  it.each(bulk)('%s', async (field, writable) => {
    const emptied = emptiedFilters(writable);
    const input = field.startsWith('update') ? ', input: {}' : '';
    const asks = emptied.map(
      ([filter, , types = []]): FieldRequest => ({
        field: `${field}(filter: ${filter}, atMost: 50${input}) { affected }`,
        variables: types.map((type) => [type, undefined]),
      }),
    );
    const before = await counts(writable.table);
    const payloads = await askAll(world.writerOf(writable), asks, 'mutation');
    const refusals = payloads.map(({ error }) => [
      error?.extensions.code,
      error?.extensions.argument,
    ]);
    expect(refusals).toEqual(emptied.map(([, path]) => ['BAD_USER_INPUT', `filter${path}`]));
    expect(await counts(writable.table)).toEqual(before);
  });
});

describe('a filter is refused if a variable in it was not sent', () => {
  it.each([
    ['{ not: $f }', 'filter.not', 'CampaignQuestFilter'],
    ['{ and: [{ id: { notIn: [] } }], not: $f }', 'filter.not', 'CampaignQuestFilter'],
    ['{ or: $f }', 'filter.or', '[CampaignQuestFilter!]'],
    ['{ campaign: $f }', 'filter.campaign', 'CampaignFilter'],
    ['{ name: $f, id: { notIn: [] } }', 'filter.name', 'StringFilter'],
  ])('%s', async (filter, path, type) => {
    const { errors } = await world.ours.client.ask(
      `mutation ($f: ${type}) { deleteCampaignQuests(filter: ${filter}, atMost: 500) { affected } }`,
    );
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(String(errors?.[0]?.extensions.argument)).toMatch(new RegExp(`^${path}`));
  });
});

it('a condition that every row meets addresses all rows', async () => {
  const [before] = await counts('campaign_quests');
  const { deleteCampaignQuests } = await world.ours.client.data(
    'mutation { deleteCampaignQuests(filter: { id: { notIn: [] } }, atMost: 500, dryRun: true) { affected } }',
  );
  expect(before?.n).toBeGreaterThan(deleteCampaignQuests.affected);
  expect(deleteCampaignQuests.affected).toBeGreaterThan(0);
});

it('lists in the payload leave unsent conditions out, like every list', async () => {
  const { updateCampaign } = await world.ours.client.data(
    `mutation ($id: UUID!, $n: String) {
      updateCampaign(id: $id, input: {}) {
        campaign {
          all: quests { totalCount }
          left: quests(filter: { not: { name: { equals: $n } } }) { totalCount }
        }
      }
    }`,
    { id: world.ours.rows.get('campaigns')?.[0]?.id },
  );
  expect(updateCampaign.campaign.left).toEqual(updateCampaign.campaign.all);
});
