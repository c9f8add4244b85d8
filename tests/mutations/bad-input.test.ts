import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../../src/generated/catalog.ts';
import type { Client } from '../support/api.ts';
import type { Row } from '../support/rows.ts';
import { mutate, type Refusal, tryMutation } from './mutate.ts';
import { isNotNegative, rangeOf, sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, type Writable, writableOf, writing } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

/** Returns a value of so many levels. */
const nested = (levels: number): unknown => (levels === 0 ? 'end' : { a: nested(levels - 1) });

const NO_TEXT = [7, true, {}];
const BAD: Record<string, readonly unknown[]> = {
  Int: [2_147_483_648, -2_147_483_649, 2 ** 53 + 2, 1.5, '7', 'NaN', true],
  BigInt: ['9223372036854775808', '-9223372036854775809', '1.5', 'NaN', '', '0x10', 1e300, true],
  Decimal: [
    'NaN',
    'Infinity',
    '-Infinity',
    '1e1000',
    '',
    '1,5',
    '٣',
    `1${'0'.repeat(1_000)}`,
    true,
  ],
  Float: ['NaN', 'Infinity', '1', true, {}],
  Boolean: ['true', 1, 0],
  Date: ['0000-12-31', '10000-01-01', '2026-02-30', '2026-1-1', 'today', '-0001-01-01', 20260101],
  DateTime: [
    '0000-12-31T23:59:59.999Z',
    '10000-01-01T00:00:00.000Z',
    '0001-01-01T00:00:00.000+14:00',
    '9999-12-31T23:59:59.999-12:00',
    '2026-02-30T00:00:00.000Z',
    '2026-01-01',
    'now',
  ],
  Uuid: [
    '',
    'a',
    '00000000-0000-4000-8000-00000000000',
    '00000000-0000-4000-8000-000000000000}',
    7,
  ],
  Url: ['', 'no address', 'https://', 7],
  String: ['a\0b', 'a\ud800b', '\udc00', ...NO_TEXT],
  enum: ['NO_SUCH_LABEL', '', "x' OR 1=1", 7],
};
const BAD_JSON: readonly unknown[] = [
  { replace: 'a\0b' },
  { replace: { a: ['\ud800'] } },
  { replace: { '\0': 1 } },
  { replace: nested(60) },
  { replace: {}, patch: [] },
  { replace: null },
  {},
  { patch: [{ path: Array.from({ length: 60 }, () => 'a'), set: 1 }] },
  { patch: [{ path: ['a'], set: nested(60) }] },
  'text',
];

let turn = 0;

/** A few of the values, so that each is used for some of the many columns. */
function some(values: readonly unknown[]): unknown[] {
  turn += 3;
  return [0, 1, 2].map((n) => values[(turn + n) % values.length]);
}

/** Values that a column cannot store. */
function probes(writable: Writable, name: string): unknown[] {
  const column = columnOf(writable, name);
  if (column.type === 'Json') return some(BAD_JSON);
  const bad = [...some(BAD[kindOf(name, column)] ?? []), ...beyond(writable, column)];
  if (!column.isList) return bad;
  const item = kindOf(name, column) === 'Uuid' ? '00000000-0000-4000-8000-000000000000' : 'a';
  const many = Array.from({ length: 10_000 }, () => item);
  return [...bad.map((value) => [item, value]), many, [null], [[item, [item]]]];
}

function kindOf(name: string, { kind, type, nativeType }: Column): string {
  if (kind === 'enum') return 'enum';
  if (nativeType === 'Uuid' || nativeType === 'Date') return nativeType;
  return /(^|[a-z])url$/i.test(name) ? 'Url' : type;
}

/** Values that are too long, or out of range. */
function beyond(writable: Writable, column: Column): unknown[] {
  const longest = Number(column.nativeType === 'VarChar' ? column.nativeArguments?.[0] : undefined);
  const range = isNotNegative(writable, column) ? [0, Number.NaN] : rangeOf(writable, column);
  return [
    ...(longest ? ['🚀'.repeat(longest + 1), 'a'.repeat(100_000)] : []),
    ...(range ?? [])
      .map((end, i) => (i === 0 ? end - 1 : end + 1))
      .filter((n) => !Number.isNaN(n))
      .map((n) => (['Decimal', 'BigInt'].includes(column.type) ? String(n) : n)),
  ];
}

async function fingerprint({ table }: Writable): Promise<Row | undefined> {
  const [row] = await world.database.query(
    `select md5(string_agg(t::text, '' order by t::text)) as sum from ${table} as t`,
  );
  return row;
}

/** Messages reveal nothing of the gateway's internals. */
const INTERNAL = /prisma|postgres|violates|relation "|column "|SELECT |UPDATE |\.ts:|node_modules/i;

/** Expects the mutation to be refused for this field, in one of the possible ways. */
async function expectRefusal(
  client: Client,
  writable: Writable,
  mutation: string,
  args: Row,
  field: string,
) {
  const answer = await tryMutation(client, writable, mutation, args);
  const about = `${field}: ${JSON.stringify(args).slice(0, 200)} → ${answer.text.slice(0, 500)}`;
  expect(answer.text.slice(0, 2_000), about).not.toMatch(INTERNAL);
  if (answer.errors) {
    expect(answer.errors[0]?.extensions.code, about).toBe('BAD_USER_INPUT');
    expect(answer.errors[0]?.message, about).toContain(field);
  } else {
    const { id, errors = [] } = (answer.data?.a0 ?? {}) as {
      id?: string | null;
      errors?: Refusal[];
    };
    expect(id, about).toBeNull();
    expect(errors[0]?.__typename, about).toBe('ValidationError');
    expect(errors[0]?.path.slice(0, 2), about).toEqual(['input', field]);
  }
}

describe('invalid values for a column are refused with their path, and change nothing', () => {
  it.each(writing('update'))('%s', async (name, writable) => {
    const client = world.writerOf(writable);
    const id = await world.some(writable);
    const before = await fingerprint(writable);
    for (const field of writable.updateFields) {
      await Promise.all(
        probes(writable, field).map((value) =>
          expectRefusal(
            client,
            writable,
            `update${name}`,
            { id, input: { [field]: value } },
            field,
          ),
        ),
      );
    }
    expect(await fingerprint(writable)).toEqual(before);
    expect((await mutate(client, writable, `update${name}`, { id, input: {} })).errors).toEqual([]);
  });
});

describe('invalid values of a new row are refused likewise', () => {
  it.each(writing('create'))('%s', async (name, writable) => {
    const client = world.writerOf(writable);
    const before = await fingerprint(writable);
    const input = sampleRow(writable, writable.requiredFields, 0, world.around);
    for (const field of writable.createFields) {
      const isJson = columnOf(writable, field).type === 'Json';
      const values = isJson
        ? ['a\0b', { a: '\ud800' }, nested(60)]
        : probes(writable, field).slice(0, 3);
      await Promise.all(
        values.map((value) =>
          expectRefusal(
            client,
            writable,
            `create${name}`,
            { input: { ...input, [field]: value } },
            field,
          ),
        ),
      );
    }
    expect(await fingerprint(writable)).toEqual(before);
  });
});

describe('requests that are too large or invalid', () => {
  const campaigns = writableOf('Campaign');
  const campaign = () => String(world.ours.rows.get('campaigns')?.[0]?.id);
  const update = (input: Row) =>
    tryMutation(world.ours.client, campaigns, 'updateCampaign', { id: campaign(), input });

  it('a JSON value of nearly 1 MB is stored, and a larger one refused', async () => {
    const kept = await update({ resourceAllocation: { replace: 'x'.repeat(950_000) } });
    expect(kept.errors).toBeUndefined();
    const refused = await update({ resourceAllocation: { replace: 'x'.repeat(1_000_000) } });
    expect(refused.status).toBe(413);
    expect(refused.errors?.[0]?.extensions.code).toBe('REQUEST_ENTITY_TOO_LARGE');
    const read = await world.ours.client.data(
      `{ campaign(id: "${campaign()}") { resourceAllocation } }`,
    );
    expect(read.campaign.resourceAllocation).toHaveLength(950_000);
  });

  it.each(['1e400', '-1e400'])('the number %s is not stored as another value', async (number) => {
    const query = `mutation { updateCampaign(id: "${campaign()}", input: { resourceAllocation: { replace: { n: ${number} } } }) { id errors { __typename path } } }`;
    const { data, errors } = await world.ours.client.ask(query);
    expect(data).toBeUndefined();
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(errors?.[0]?.message).toContain(number);
  });

  it.each(['NaN', 'Infinity', '1e400'])('the number %s is refused for a Float', async (number) => {
    const query = `mutation { createTrend(input: { topic: "a", opportunityScore: ${number} }) { id errors { __typename path } } }`;
    const { data, errors } = await world.ours.client.ask(query);
    expect(data).toBeUndefined();
    expect(errors?.[0]?.extensions.code).toBe(
      number === '1e400' ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED',
    );
  });

  it('unknown columns, and columns that no client sets, are refused', async () => {
    for (const field of ['workspaceId', 'createdAt', 'totalReach', '__proto__', 'nothing']) {
      const { errors } = await update(JSON.parse(`{ "${field}": 1 }`));
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
      expect(errors?.[0]?.message).toContain(field);
    }
  });
});
