import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, cases, named } from './cases.ts';
import { changeOf, openStage, type Stage, type Subscriber } from './changes.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';
import { createWorld, type World } from './world.ts';

const nodeIdOf = ({ name }: Case, id: string) => Buffer.from(`${name}:${id}`).toString('base64');

/** A subscription to all changes of a table, with all arguments as variables. */
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

  it.each(named(cases))('%s: the events of a row', async (name, shown) => {
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
    expect(await us.execute(changesOf(shown), changes)).toEqual(
      [
        { ...common, operation: 'CREATED', node, changedColumns: [] },
        { ...common, operation: 'UPDATED', node, changedColumns: [column] },
        { ...common, operation: 'DELETED', node: null, changedColumns: [] },
      ].map((event, i) => ({ ...event, cursor: `after ${changes[i]?.seq}` })),
    );
  });

  it.each(named(cases))(
    '%s: the events of a row that does not match the filter',
    async (name, shown) => {
      const [id = ''] = await idsOf(shown);
      const changes = [
        changeOf(name, 'INSERT', id),
        changeOf(name, 'UPDATE', id, ['another']),
        changeOf(name, 'UPDATE', id, ['id']),
        changeOf(name, 'DELETE', id),
      ];
      const events = await us.execute(changesOf(shown), changes, { filter: { id: { not: id } } });
      expect(events.map((each) => each?.operation)).toEqual([
        undefined,
        undefined,
        'LEFT',
        'DELETED',
      ]);
      expect(events[2]).toMatchObject({ node: null, nodeId: nodeIdOf(shown, id) });
    },
  );

  it.each(named(cases))("%s: no data of another workspace's row", async (name, shown) => {
    const rows = shown.tenancy === 'other' ? [] : (world.theirs.rows.get(shown.table) ?? []);
    const foreign = [randomUUID(), ...rows.map(({ id }) => String(id))];
    for (const id of foreign) {
      const events = await us.execute(changesOf(shown), [
        changeOf(name, 'INSERT', id),
        changeOf(name, 'UPDATE', id, ['createdAt']),
      ]);
      expect(events[0]).toBeUndefined();
      expect(events[1]).toMatchObject({ operation: 'LEFT', node: null });
    }
  });

  it.each(named(cases))(
    '%s: a workspace is required for tables of workspaces',
    async (name, shown) => {
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
    },
  );
});

describe('the number of statements', () => {
  let world: VariedWorld;
  let stage: Stage;
  let us: Subscriber;
  beforeAll(async () => {
    world = await createVariedWorld({ rows: 20, gaps: false });
    await world.writeUnchecked(`update user_achievements set visibility = 'public'`);
    stage = openStage(world.database);
    us = await stage.as(world.userId, world.workspaceId);
  });
  afterAll(async () => {
    await stage?.close();
    await world?.close();
  });

  /** The statement that creates a context. It is not counted. */
  const MEMBERSHIPS = /viewer_memberships/;

  const execute = async (...args: Parameters<Subscriber['execute']>) => {
    stage.statements();
    const events = await us.execute(...args);
    return { events, statements: stage.statements().filter((sql) => !MEMBERSHIPS.test(sql)) };
  };
  const changesTo = async ({ name, table }: Case, operation: 'INSERT' | 'UPDATE') => {
    const rows = await world.readAsClient<{ id: string }>(
      `select id::text from ${table} order by id`,
    );
    return rows.map(({ id }) => changeOf(name, operation, id, ['another']));
  };

  it.each(named(cases))('%s: one for all changes of a batch', async (_, shown) => {
    const changes = await changesTo(shown, 'INSERT');
    const { events, statements } = await execute(changesOf(shown), changes);
    expect(events.map(({ node }) => node.id)).toEqual(changes.map(({ rowId }) => rowId));
    expect(statements).toHaveLength(1);
    expect((await execute(changesOf(shown, '__typename'), changes)).statements).toHaveLength(1);
  });

  it.each(named(cases))('%s: one more for updated rows that do not match', async (_, shown) => {
    const changes = await changesTo(shown, 'UPDATE');
    const filter = { id: { in: [] } };
    const { events, statements } = await execute(changesOf(shown), changes, { filter });
    expect(events.filter(Boolean)).toEqual([]);
    expect(statements).toHaveLength(2);
    // Without LEFT, rows that do not match need not be read.
    const operations = ['CREATED', 'UPDATED', 'DELETED'];
    const without = await execute(changesOf(shown), changes, { filter, operations });
    expect(without.statements).toHaveLength(1);
  });

  it.each(named(cases))(
    '%s: with relations, the same for many rows as for one',
    async (_, shown) => {
      const { one, people, links, many } = shown;
      const fields = [
        ...[...one, ...people, ...links].map(([name]) => `${name} { id }`),
        ...many.map(([name]) => `${name}(first: 2) { totalCount nodes { id } }`),
      ];
      for (let start = 0; start < fields.length; start += 10) {
        const document = changesOf(shown, `id ${fields.slice(start, start + 10).join(' ')}`);
        const changes = await changesTo(shown, 'UPDATE');
        const first = await execute(document, changes.slice(0, 1));
        const all = await execute(document, changes);
        expect(all.events.every(({ node }) => node)).toBe(true);
        expect(all.statements.length).toBe(first.statements.length);
      }
    },
  );

  it('batches of similar size use the same prepared statement', async () => {
    const shown = cases.find(({ name }) => name === 'SystemAlert') as Case;
    const changes = await changesTo(shown, 'INSERT');
    const [five, eight] = [
      await execute(changesOf(shown), changes.slice(0, 5)),
      await execute(changesOf(shown), changes.slice(0, 8)),
    ];
    expect(five.statements).toEqual(eight.statements);
  });

  it('none for a deletion', async () => {
    const shown = cases.find(({ name }) => name === 'SystemAlert') as Case;
    const { events, statements } = await execute(changesOf(shown), [
      changeOf('SystemAlert', 'DELETE', randomUUID()),
    ]);
    expect([events[0].operation, statements]).toEqual(['DELETED', []]);
  });

  it('none for operations that are not subscribed to', async () => {
    const shown = cases.find(({ name }) => name === 'SystemAlert') as Case;
    const changes = await changesTo(shown, 'INSERT');
    const { events, statements } = await execute(changesOf(shown), changes, {
      operations: ['DELETED'],
    });
    expect([events.filter(Boolean), statements]).toEqual([[], []]);
  });
});
