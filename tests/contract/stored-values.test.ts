import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Column, catalog } from '../../src/generated/catalog.ts';
import { askAll } from './batch.ts';
import { cases, named, sqlName } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 16 });
  await world.writeUnchecked('update user_achievements set user_id = $1', [world.userId]);
});
afterAll(() => world?.close());

/** Returns the value that the API must return for a stored value, printed as `text`. */
function expectedValue({ isList, kind, type, nativeType }: Column, text: string | null): unknown {
  if (text === null) return isList ? [] : null;
  if (isList || type === 'Json') return JSON.parse(text);
  if (kind === 'enum') return text.toUpperCase();
  if (type === 'Boolean') return text === 'true';
  if (type === 'Int' || type === 'Float') return Number(text);
  if (type === 'DateTime' && nativeType !== 'Date') return new Date(text).toISOString();
  // Trailing zeros of a fraction are removed.
  if (type === 'Decimal') return text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
  return text;
}

describe('every stored value is returned', () => {
  it.each(named(cases))('%s', async (name, { root, table, columns, comparable }) => {
    const list = columns
      .map(([column, { isList }]) => {
        const isOpen = comparable.some(([each]) => each === column);
        const c = isOpen
          ? sqlName(name, column)
          : `(select s.${sqlName(name, column)} from gateway.agent_prompts(array[${table}.id]) as s)`;
        return `${isList ? `to_jsonb(${c})` : c}::text as "${column}"`;
      })
      .join(', ');
    const rows = await world.readAsClient<Record<string, string | null>>(
      `select ${list} from ${table} order by id`,
    );
    const query = `{ list: ${root}(first: 100, orderBy: [{ field: ID }]) { nodes { ${columns.map(([column]) => column).join(' ')} } } }`;
    const { nodes } = (await world.client.data(query)).list;
    expect(nodes).toEqual(
      rows.map((row) =>
        Object.fromEntries(
          columns.map(([column, details]) => [column, expectedValue(details, row[column] ?? null)]),
        ),
      ),
    );
    expect(nodes.length).toBeGreaterThan(0);
  });
});

describe('every enum value is returned and filtered by in upper case', () => {
  const enums = cases.flatMap((shown) =>
    shown.columns
      .filter(([, { kind }]) => kind === 'enum')
      .map(([column, { type }]): [string, (typeof cases)[number], string, string[]] => [
        `${shown.name}.${column}`,
        shown,
        column,
        catalog.enums[type]?.values.map((value) => value.name) ?? [],
      ]),
  );
  it.each(enums)('%s', async (_, { name, root, table }, column, labels) => {
    // The person's own membership is not changed, since it decides what they see.
    const rows = await world.readAsClient<{ id: string }>(
      `select id::text as id from ${table}
       where id not in (select id from user_workspaces where user_id = '${world.userId}') order by id`,
    );
    const c = sqlName(name, column);
    for (const label of labels) {
      const row = rows[labels.indexOf(label) % rows.length];
      await world.writeUnchecked(`update ${table} set ${c} = $2 where id::text = $1`, [
        row?.id,
        label,
      ]);
      const [result] = await askAll(world.client, [
        {
          field: `${root}(filter: $0, first: 100) { nodes { id ${column} } }`,
          variables: [[`${name}Filter`, { [column]: { equals: label.toUpperCase() } }]],
        },
      ]);
      const found = await world.readAsClient<{ id: string }>(
        `select id::text as id from ${table} where ${c} = '${label}'`,
      );
      expect(label).toMatch(/^[a-z][a-z0-9_]*$/i);
      expect(result?.data?.nodes.map(({ id }: { id: string }) => id).sort()).toEqual(
        found.map(({ id }) => id).sort(),
      );
      expect(result?.data.nodes).toContainEqual({ id: row?.id, [column]: label.toUpperCase() });
    }
  });
});
