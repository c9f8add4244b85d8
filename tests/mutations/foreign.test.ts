import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import type { Row } from '../support/rows.ts';
import { mutate, tryMutation } from './mutate.ts';
import { changeOf, sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, named, type Writable, writables } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

const isPrivate = ({ tenancy, name }: Writable) =>
  tenancy !== 'other' || name === 'Workspace' || name === 'UserProfile';

/** A row of the other workspace, and its key. */
function foreignTo({ name, table }: Writable): Row {
  const { workspaceId, ownerId, rows } = world.theirs;
  if (name === 'Workspace') return { id: workspaceId };
  if (name === 'UserProfile') return { id: ownerId };
  return rows.get(table)?.[0] ?? {};
}

/** The answers to the same mutation for a foreign id and for a missing one, without the ids. */
async function answers(
  writable: Writable,
  field: string,
  argsOf: (id: string) => Row,
  foreign: string,
) {
  const missing = randomUUID();
  const [theirs, none] = await Promise.all(
    [foreign, missing].map(async (id) => {
      const answer = await tryMutation(world.ours.client, writable, field, argsOf(id));
      return { status: answer.status, text: answer.text.replaceAll(id, 'ID') };
    }),
  );
  return { theirs, none };
}

async function fingerprint(table: string): Promise<Row | undefined> {
  const [row] = await world.database.query(
    `select md5(string_agg(t::text, '' order by t::text)) as sum from ${table} as t`,
  );
  return row;
}

describe("for writers, another workspace's row does not exist", () => {
  it.each(named(writables.filter(isPrivate)))('%s', async (name, writable) => {
    const { plural, operations, updateFields, table } = writable;
    const foreign = String(foreignTo(writable).id);
    const { input } = changeOf(writable, updateFields[0] as string, 1, world.around);
    const before = await fingerprint(table);
    const asks: [string, (id: string) => Row][] = [
      [`update${name}`, (id) => ({ id, input })],
      [`update${name}`, (id) => ({ id, input: {} })],
      [`update${plural}`, (id) => ({ filter: { id: { in: [id] } }, atMost: 1, input })],
    ];
    if (operations.includes('delete')) {
      asks.push(
        [`delete${name}`, (id) => ({ id })],
        [`delete${plural}`, (id) => ({ filter: { id: { in: [id] } }, atMost: 1 })],
      );
    }
    for (const [field, argsOf] of asks) {
      const { theirs, none } = await answers(writable, field, argsOf, foreign);
      expect(theirs, field).toEqual(none);
      expect(theirs?.status).toBe(200);
      if (field === `update${name}`) expect(theirs?.text).toContain('NotFoundError');
    }
    expect(await fingerprint(table)).toEqual(before);
  });
});

/** The references of a table to rows that belong to workspaces, by the field that a client sets. */
function referencesOf({ name, createFields, updateFields }: Writable) {
  return Object.values(catalog.models[name]?.relations ?? {}).flatMap(
    ({ to, columns, references }) => {
      const field = columns.find((column) => column !== 'workspaceId') ?? '';
      const target = catalog.models[to];
      const key = references[columns.indexOf(field)] ?? '';
      const column = target?.columns[key]?.column ?? '';
      const isOurs = target?.columns.workspaceId && to !== 'AuthUser';
      return isOurs && (createFields.includes(field) || updateFields.includes(field))
        ? [{ field, table: target.table, column }]
        : [];
    },
  );
}

describe('a reference to another workspace has the same error as one to a missing row', () => {
  const referring = writables.filter((writable) => referencesOf(writable).length > 0);
  it.each(named(referring))('%s', async (name, writable) => {
    await world.clear(writable);
    const [own] = writable.operations.includes('create') ? await world.create(writable) : [];
    const input = sampleRow(writable, writable.requiredFields, 1, world.around);
    for (const { field, table, column } of referencesOf(writable)) {
      const foreign = String(world.theirs.rows.get(table)?.[0]?.[column]);
      const creating = (id: string) => ({ input: { ...input, [field]: id }, dryRun: true });
      const updating = (id: string) => ({ id: own, input: { [field]: id }, dryRun: true });
      for (const [operation, argsOf] of [
        [`create${name}`, creating],
        [`update${name}`, updating],
      ] as const) {
        const { theirs, none } = await answers(writable, operation, argsOf, foreign);
        expect(theirs, `${operation} ${field}`).toEqual(none);
        expect(theirs?.text).toContain('ValidationError');
        expect(theirs?.text).toContain(`["input","${field}"]`);
      }
      expect(columnOf(writable, field).isList).toBe(false);
    }
  });
});

describe('nested new rows cannot refer to another workspace', () => {
  it('a cohort of a campaign', async () => {
    const campaigns = writables.find(({ name }) => name === 'Campaign') as Writable;
    const cohort = String(world.theirs.rows.get('cohorts')?.[0]?.id);
    const argsOf = (cohortId: string) => ({ input: { name: 'New', cohortLinks: [{ cohortId }] } });
    const { theirs, none } = await answers(campaigns, 'createCampaign', argsOf, cohort);
    expect(theirs).toEqual(none);
    const payload = await mutate(world.ours.client, campaigns, 'createCampaign', argsOf(cohort));
    expect(payload).toMatchObject({
      id: null,
      errors: [
        {
          __typename: 'ValidationError',
          message: 'There is no such Cohort.',
          path: ['input', 'cohortLinks', 'cohortId'],
        },
      ],
    });
  });
});
