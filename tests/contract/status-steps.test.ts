import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import { models } from '../../src/models/index.ts';
import { openUncheckedWriter } from './unchecked-writer.ts';
import { createWorld, type World } from './world.ts';

let world: World;
let writer: Awaited<ReturnType<typeof openUncheckedWriter>>;
beforeAll(async () => {
  world = await createWorld(2);
  writer = await openUncheckedWriter(world.database.url);
});
afterAll(async () => {
  await writer?.close();
  await world?.close();
});

const machines = [...models.values()].flatMap(({ name, lookup, stateMachine }) =>
  stateMachine ? [[name, lookup, stateMachine] as const] : [],
);

it('every state machine of the database has a descriptor', async () => {
  const tables = await world.database.query<{ table_name: string }>(
    'select distinct table_name from gateway.status_steps order by 1',
  );
  expect(tables.map(({ table_name }) => table_name)).toEqual(
    machines.map(([name]) => catalog.models[name]?.table).sort(),
  );
});

describe('allowedTransitions are the steps that the database allows', () => {
  it.each(machines)('%s', async (name, lookup, column) => {
    const model = catalog.models[name] as (typeof catalog.models)[string];
    const { column: status, type } = model.columns[column] as (typeof model.columns)[string];
    const row = world.ours.rows.get(model.table)?.[0] as { id: string };
    for (const { name: label } of catalog.enums[type]?.values ?? []) {
      await writer.write(`update ${model.table} set "${status}" = $2 where id = $1`, [
        row.id,
        label,
      ]);
      const [{ next } = { next: [] }] = await world.database.query<{ next: string[] }>(
        'select gateway.next_statuses($1, $2) as next',
        [model.table, label],
      );
      const data = await world.ours.client.data(
        `query ($id: UUID!) { ${lookup}(id: $id) { allowedTransitions } }`,
        { id: row.id },
      );
      expect(data[lookup].allowedTransitions, label).toEqual(
        next.map((step) => step.toUpperCase()),
      );
    }
  });
});
