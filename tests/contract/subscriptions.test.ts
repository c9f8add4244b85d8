import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, cases, named } from './cases.ts';
import { changeOf, openStage, type Stage, type Subscriber } from './changes.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';
import { createWorld, type World } from './world.ts';

const nodeIdOf = ({ name }: Case, id: string) => Buffer.from(`${name}:${id}`).toString('base64');

/** The subscription to a table, with all of its arguments as variables. */
function changesOf({ name, lookup }: Case, node = 'id nodeId'): string {
  return `subscription ($filter: ${name}Filter, $operations: [ChangeOperation!], $after: String) {
    ${lookup}Changed(filter: $filter, operations: $operations, after: $after) {
      operation nodeId node { ${node} } changedColumns occurredAt cursor
    }
  }`;
}

describe('changes to every table', () => {
  let world: World;
  let stage: Stage;
  let us: Subscriber;
  beforeAll(async () => {
    world = await createWorld(2);
    stage = openStage(world.database);
    us = await stage.as(world.ours.ownerId, world.ours.workspaceId);
  });
  afterAll(async () => {
    await stage?.close();
    await world?.close();
  });

  const idsOf = async ({ table }: Case) => {
    const { ownerId, workspaceId } = world.ours;
    const rows = await world.database.as({ userId: ownerId, workspaceId }, (query) =>
      query<{ id: string }>(`select id::text from ${table} order by id`),
    );
    return rows.map(({ id }) => id);
  };

  it.each(named(cases))('%s: what is told of a row', async (name, shown) => {
    const [id = ''] = await idsOf(shown);
    const [column = ''] = shown.columns.at(-1) ?? [];
    const changes = [
      changeOf(name, 'INSERT', id),
      changeOf(name, 'UPDATE', id, [column, 'aColumnThatIsNotShown']),
      changeOf(name, 'DELETE', id),
    ];
    const common = {
      nodeId: nodeIdOf(shown, id),
      occurredAt: '2026-01-02T03:04:05.678Z',
    };
    const node = { id, nodeId: common.nodeId };
    expect(await us.tell(changesOf(shown), changes)).toEqual(
      [
        { ...common, operation: 'CREATED', node, changedColumns: [] },
        { ...common, operation: 'UPDATED', node, changedColumns: [column] },
        { ...common, operation: 'DELETED', node: null, changedColumns: [] },
      ].map((told, i) => ({ ...told, cursor: `after ${changes[i]?.seq}` })),
    );
  });

  it.each(named(cases))('%s: rows that the filter leaves out', async (name, shown) => {
    const [id = ''] = await idsOf(shown);
    const changes = [
      changeOf(name, 'INSERT', id),
      changeOf(name, 'UPDATE', id, ['another']),
      changeOf(name, 'UPDATE', id, ['id']),
      changeOf(name, 'DELETE', id),
    ];
    const told = await us.tell(changesOf(shown), changes, { filter: { id: { not: id } } });
    expect(told.map((each) => each?.operation)).toEqual([undefined, undefined, 'LEFT', 'DELETED']);
    expect(told[2]).toMatchObject({ node: null, nodeId: nodeIdOf(shown, id) });
  });

  it.each(named(cases))('%s: nothing of a row that is not theirs to see', async (name, shown) => {
    const rows = shown.tenancy === 'other' ? [] : (world.theirs.rows.get(shown.table) ?? []);
    const foreign = [randomUUID(), ...rows.map(({ id }) => String(id))];
    for (const id of foreign) {
      const told = await us.tell(changesOf(shown), [
        changeOf(name, 'INSERT', id),
        changeOf(name, 'UPDATE', id, ['createdAt']),
      ]);
      expect(told[0]).toBeUndefined();
      expect(told[1]).toMatchObject({ operation: 'LEFT', node: null });
    }
  });

  it.each(named(cases))('%s: who may subscribe, and to what', async (name, shown) => {
    const source = await us.subscribe(changesOf(shown), { after: 'a cursor' });
    expect(source).toMatchObject({ model: name, after: 'a cursor' });
    const [column = ''] = shown.columns.at(-1) ?? [];
    for (const operation of ['INSERT', 'UPDATE', 'DELETE'] as const) {
      expect(source.includes(changeOf(name, operation, randomUUID(), [column]))).toBe(true);
    }
    expect(source.includes(changeOf('Nothing', 'INSERT', randomUUID()))).toBe(false);

    const nowhere = (await stage.as(randomUUID())).subscribe(changesOf(shown));
    if (shown.tenancy === 'workspace') {
      await expect(nowhere).rejects.toMatchObject({ code: 'WORKSPACE_REQUIRED' });
    } else {
      await expect(nowhere).resolves.toMatchObject({ model: name, after: null });
    }
    await expect(
      us.subscribe(changesOf(shown), { filter: { and: [{ id: null }] } }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT', argument: 'filter.and[0].id' });
  });
});

describe('statements', () => {
  let world: VariedWorld;
  let stage: Stage;
  let us: Subscriber;
  beforeAll(async () => {
    world = await createVariedWorld({ rows: 20, gaps: false });
    await world.plant(`update user_achievements set visibility = 'public'`);
    stage = openStage(world.database);
    us = await stage.as(world.userId, world.workspaceId);
  });
  afterAll(async () => {
    await stage?.close();
    await world?.close();
  });

  /** What every context is made with, before anything is told. */
  const MEMBERSHIPS = /viewer_memberships/;

  const tell = async (...args: Parameters<Subscriber['tell']>) => {
    stage.statements();
    const told = await us.tell(...args);
    return { told, statements: stage.statements().filter((sql) => !MEMBERSHIPS.test(sql)) };
  };
  const changesTo = async ({ name, table }: Case, operation: 'INSERT' | 'UPDATE') => {
    const rows = await world.seen<{ id: string }>(`select id::text from ${table} order by id`);
    return rows.map(({ id }) => changeOf(name, operation, id, ['another']));
  };

  it.each(named(cases))('%s: one for all changes that are told together', async (_, shown) => {
    const changes = await changesTo(shown, 'INSERT');
    const { told, statements } = await tell(changesOf(shown), changes);
    expect(told.map(({ node }) => node.id)).toEqual(changes.map(({ rowId }) => rowId));
    expect(statements).toHaveLength(1);
    expect((await tell(changesOf(shown, '__typename'), changes)).statements).toHaveLength(1);
  });

  it.each(named(cases))('%s: one more for updates without a match', async (_, shown) => {
    const changes = await changesTo(shown, 'UPDATE');
    const filter = { id: { in: [] } };
    const { told, statements } = await tell(changesOf(shown), changes, { filter });
    expect(told.filter(Boolean)).toEqual([]);
    expect(statements).toHaveLength(2);
    // Nobody who is not told of rows that left has to know.
    const operations = ['CREATED', 'UPDATED', 'DELETED'];
    const without = await tell(changesOf(shown), changes, { filter, operations });
    expect(without.statements).toHaveLength(1);
  });

  it.each(named(cases))('%s: as many with relations as for one row', async (_, shown) => {
    const { one, people, links, many } = shown;
    const fields = [
      ...[...one, ...people, ...links].map(([name]) => `${name} { id }`),
      ...many.map(([name]) => `${name}(first: 2) { totalCount nodes { id } }`),
    ];
    for (let start = 0; start < fields.length; start += 10) {
      const document = changesOf(shown, `id ${fields.slice(start, start + 10).join(' ')}`);
      const changes = await changesTo(shown, 'UPDATE');
      const first = await tell(document, changes.slice(0, 1));
      const all = await tell(document, changes);
      expect(all.told.every(({ node }) => node)).toBe(true);
      expect(all.statements.length).toBe(first.statements.length);
    }
  });

  it('numbers of changes that are close make one statement to prepare', async () => {
    const shown = cases.find(({ name }) => name === 'SystemAlert') as Case;
    const changes = await changesTo(shown, 'INSERT');
    const [five, eight] = [
      await tell(changesOf(shown), changes.slice(0, 5)),
      await tell(changesOf(shown), changes.slice(0, 8)),
    ];
    expect(five.statements).toEqual(eight.statements);
  });

  it('a deletion is told without any', async () => {
    const shown = cases.find(({ name }) => name === 'SystemAlert') as Case;
    const { told, statements } = await tell(changesOf(shown), [
      changeOf('SystemAlert', 'DELETE', randomUUID()),
    ]);
    expect([told[0].operation, statements]).toEqual(['DELETED', []]);
  });

  it('nor is anything read for operations that are not asked for', async () => {
    const shown = cases.find(({ name }) => name === 'SystemAlert') as Case;
    const changes = await changesTo(shown, 'INSERT');
    const { told, statements } = await tell(changesOf(shown), changes, { operations: ['DELETED'] });
    expect([told.filter(Boolean), statements]).toEqual([[], []]);
  });
});
