import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/models/index.ts';
import type { Client } from '../support/api.ts';
import type { Row } from '../support/rows.ts';
import { type Call, done, mutate, mutateAll, readRows, tryMutation } from './mutate.ts';
import { sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, named, type Writable, writables, writing } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

/** Tables that clients only read, each with its reason. */
const READ_ONLY: Record<string, string> = {
  AgentPerformance: 'Counted by recordAgentExecution.',
  PlanSubscription: 'Kept by trusted writers, who hear from the payment provider.',
  UserStats: 'Counted by functions of the database.',
};

/** Columns that no client sets, besides the identity, tenant, author and times of every row. */
const KEPT: Record<string, readonly string[]> = {
  AgentAssignment:
    'tasksAssigned tasksCompleted tasksFailed totalTokensUsed totalCostIncurred assignedById'.split(
      ' ',
    ),
  Asset: ['createdByAgentName', 'publishedAt'],
  AutopayPayment: ['retryCount'],
  AutopaySubscription: ['totalPayments', 'successfulPayments', 'failedPayments'],
  Campaign: ['totalReach', 'totalEngagements', 'conversionCount'],
  CampaignCohort: ['reachedCount', 'convertedCount'],
  Experiment: ['completedAt', 'createdByAgentName'],
  MoveAnomaly: ['resolvedAt'],
  SystemAlert: ['acknowledgedAt', 'resolvedAt', 'acknowledgedById'],
  UserAchievement: 'progressPercentage progressValue unlockedAt isLocked'.split(' '),
  UserNotification: ['readAt'],
  Workspace: ['plan', 'cohortsLimit', 'movesPerSprintLimit'],
};
const KEPT_EVERYWHERE = ['workspaceId', 'createdById', 'createdAt', 'updatedAt', 'joinedAt'];

/** Values for columns that triggers change together with another column. */
const asRead = (row: Row | null | undefined, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, row?.[name]]));

/** The API never shows null for a list. */
function isRequired(writable: Writable, field: string): boolean {
  const column = columnOf(writable, field);
  return column.isRequired || column.isList;
}

const nulls = (fields: readonly string[]) =>
  Object.fromEntries(fields.map((field) => [field, null]));

/** The error for null. */
const required = (field: string) => ({
  __typename: 'ValidationError',
  message: 'A value is required.',
  path: ['input', field],
});

it('every table that clients do not write has a reason', () => {
  const written = writables.map(({ name }) => name);
  expect(written).toHaveLength(models.size - Object.keys(READ_ONLY).length);
  expect(written.filter((name) => READ_ONLY[name])).toEqual([]);
});

describe('inputs do not have columns that no client sets', () => {
  it.each(named(writables))('%s', (name, each) => {
    const kept = [...KEPT_EVERYWHERE, ...(KEPT[name] ?? [])];
    const { createFields, updateFields } = each;
    expect([...createFields, ...updateFields].filter((field) => kept.includes(field))).toEqual([]);
    expect(updateFields).not.toContain('id');
  });
});

describe('a row with every column is created, and read back equal', () => {
  it.each(writing('create'))('%s', async (_, writable) => {
    const { createFields } = writable;
    const client: Client = world.writerOf(writable);
    for (const n of [0, 1, 2]) {
      await world.clear(writable);
      const input = sampleRow(writable, createFields, n, world.around);
      const payload = await mutate(client, writable, `create${writable.name}`, { input });
      done(payload);
      expect(asRead(payload.row, createFields)).toEqual(input);
      const stored = await readRows(client, writable, [payload.id]);
      expect(stored.get(String(payload.id))).toEqual(payload.row);
    }
  });
});

describe('a row needs its required columns, and no others', () => {
  it.each(writing('create'))('%s', async (name, writable) => {
    const { requiredFields, createFields } = writable;
    const client = world.writerOf(writable);
    await world.clear(writable);
    const input = sampleRow(writable, requiredFields, 0, world.around);
    done(await mutate(client, writable, `create${name}`, { input }));
    for (const missing of requiredFields) {
      const { [missing]: _, ...rest } = input;
      const { errors } = await tryMutation(client, writable, `create${name}`, { input: rest });
      expect(errors?.[0]?.message).toContain(`"${missing}"`);
    }
    const defaulted = createFields.filter(
      (field) => isRequired(writable, field) && !requiredFields.includes(field),
    );
    if (defaulted.length === 0) return;
    const payload = await mutate(client, writable, `create${name}`, {
      input: { ...input, ...nulls(defaulted) },
    });
    expect(payload.errors).toEqual(defaulted.map(required));
  });
});

describe('an update changes its column, and nothing else', () => {
  it.each(writing('update'))('%s', async (name, writable) => {
    const client = world.writerOf(writable);
    const id = await world.some(writable);
    const fields = writable.updateFields.filter((field) => field !== writable.status);
    const before = (await readRows(client, writable, [id])).get(id) as Row;
    const values = sampleRow(writable, fields, 1, world.around);
    const payload = await mutateAll(
      client,
      writable,
      fields.map((field): Call => {
        const isJson = columnOf(writable, field).type === 'Json';
        const value = isJson ? { replace: values[field] } : values[field];
        return [`update${name}`, { id, input: { [field]: value } }];
      }),
    );
    for (const each of payload) done(each);
    fields.forEach((field, i) => {
      const expected = { ...before, ...asRead(values, fields.slice(0, i + 1)) };
      const { updatedAt: _, ...stable } = expected as Row;
      expect(payload[i]?.row, field).toMatchObject(withoutMoments(name, stable));
    });
    const after = (await readRows(client, writable, [id])).get(id) as Row;
    expect(after).toEqual(payload.at(-1)?.row);
    if ('updatedAt' in before) {
      const versions = [before, ...payload.map(({ row }) => row)].map((row) =>
        String(row?.updatedAt),
      );
      expect([...versions].sort()).toEqual(versions);
      expect(versions.at(-1)).not.toBe(versions[0]);
    }
  });
});

/** Times that the database sets together with another column. */
function withoutMoments(name: string, row: Row): Row {
  const { readAt: _, ...rest } = row;
  return name === 'UserNotification' ? rest : row;
}

describe('null clears a nullable column, and is refused for others', () => {
  it.each(writing('update'))('%s', async (name, writable) => {
    const client = world.writerOf(writable);
    const id = await world.some(writable);
    const before = (await readRows(client, writable, [id])).get(id) as Row;
    const kept = writable.updateFields.filter((field) => isRequired(writable, field));
    const cleared = writable.updateFields.filter((field) => !kept.includes(field));
    const [refused, allowed] = await mutateAll(client, writable, [
      [`update${name}`, { id, input: nulls(writable.updateFields) }],
      [`update${name}`, { id, input: nulls(cleared) }],
    ]);
    if (kept.length > 0)
      expect(refused).toEqual({ id: null, row: null, errors: kept.map(required) });
    done(allowed);
    const after = (await readRows(client, writable, [id])).get(id) as Row;
    const { updatedAt: _, ...expected } = { ...before, ...nulls(cleared) } as Row;
    expect(after).toMatchObject(withoutMoments(name, expected));
  });
});

describe('a row is deleted, once', () => {
  it.each(writing('delete'))('%s', async (name, writable) => {
    // The other tests need the world's own workspace.
    if (name === 'Workspace') return;
    const client = world.writerOf(writable);
    const [id] = await world.create(writable);
    const before = (await readRows(client, writable, [String(id)])).get(String(id));
    const field = `delete${name}`;
    const [first, second] = await mutateAll(client, writable, [
      [field, { id }],
      [field, { id }],
    ]);
    expect(first).toEqual({ id, row: before, errors: [] });
    expect(second?.errors).toMatchObject([{ __typename: 'NotFoundError', path: ['id'] }]);
    expect(await readRows(client, writable, [String(id)])).toEqual(new Map());
  });
});
