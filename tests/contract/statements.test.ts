import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, caseOf, cases, named } from './cases.ts';
import { createVariedWorld, runCounted, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 50, gaps: false, accelerated: false });
  await world.writeUnchecked(`update user_achievements set visibility = 'public'`);
});
afterAll(() => world?.close());

const run = (query: string, variables?: object) => runCounted(world, query, variables);

/** Tables with one row for each workspace, so without 50 rows. */
const SINGLE = ['MetaLearnerState', 'GlobalStrategy'];

/** The selections of all fields of a model that read other rows, with two rows of each list. */
function related({ one, many, people, links }: Case, inner: (to: string) => string): string[] {
  return [
    ...[...one, ...people].map(([name, { to }]) => {
      const shown = to === 'AuthUser' ? 'UserProfile' : to;
      return `${name} { id ${inner(shown)} }`;
    }),
    ...links.map(([name, { to }]) => `${name} { id ${inner(to)} }`),
    ...many.map(([name, { to }]) => `${name}(first: 2) { nodes { id ${inner(to)} } }`),
  ];
}

/** Distributes fields over several documents, which have at most 2,000 tokens. */
function inDocuments(fields: readonly string[], most = 20): string[] {
  const documents: string[] = [];
  for (let start = 0; start < fields.length; start += most) {
    documents.push(fields.slice(start, start + most).join(' '));
  }
  return documents;
}

describe('the number of statements does not depend on the number of parents', () => {
  const parents = cases.filter(({ name }) => !SINGLE.includes(name));

  it.each(named(parents))('%s with relations, for 50 parents', async (_, shown) => {
    for (const fields of inDocuments(related(shown, () => ''))) {
      const query = `query ($first: Int!) { list: ${shown.root}(first: $first) { nodes { id ${fields} } } }`;
      const [few, all] = [await run(query, { first: 2 }), await run(query, { first: 50 })];
      expect(few.data.list.nodes).toHaveLength(2);
      expect(all.data.list.nodes).toHaveLength(50);
      expect(all.statements.length, fields).toBe(few.statements.length);
    }
  });

  it.each(named(parents))('%s with two levels of relations, for 10 parents', async (_, shown) => {
    // The lists of a workspace are tested by the cases of their models.
    const next = (to: string) =>
      to === 'Workspace' ? '' : related({ ...caseOf(to), many: [] }, () => '').join(' ');
    const lists = (to: string) =>
      to === 'Workspace'
        ? ''
        : related({ ...caseOf(to), one: [], people: [], links: [] }, () => '').join(' ');
    for (const inner of [next, lists]) {
      for (const fields of inDocuments(related(shown, inner), 3)) {
        const query = `query ($first: Int!) { list: ${shown.root}(first: $first) { nodes { id ${fields} } } }`;
        const [few, all] = [await run(query, { first: 2 }), await run(query, { first: 10 })];
        // There may be fewer, if the parents have already loaded the rows of another field.
        expect(all.statements.length, fields).toBeLessThanOrEqual(few.statements.length);
      }
    }
  });

  it.each(named(parents.filter(({ many }) => many.length > 0)))(
    '%s with counts of relations',
    async (_, shown) => {
      for (const [relation] of shown.many) {
        const query = `query ($first: Int!) { list: ${shown.root}(first: $first) { nodes { id ${relation} { totalCount } } } }`;
        const [few, all] = [await run(query, { first: 2 }), await run(query, { first: 50 })];
        expect(all.statements.length, relation).toBe(few.statements.length);
        expect(all.statements.filter(isCount), relation).toHaveLength(1);
      }
    },
  );
});

const isCount = (sql: string) => /count\(/i.test(sql);

describe('rows are counted only if selected, and a count reads no rows', () => {
  it.each(named(cases))('%s', async (_, { root, table }) => {
    const reads = (sql: string) => sql.includes(`"${table}"`);
    const list = (await run(`{ ${root} { nodes { id } } }`)).statements.filter(reads);
    expect([list.length, list.filter(isCount).length]).toEqual([1, 0]);
    const count = (await run(`{ ${root} { totalCount } }`)).statements.filter(reads);
    expect([count.length, count.filter(isCount).length]).toEqual([1, 1]);
    const both = (await run(`{ ${root} { totalCount nodes { id } } }`)).statements.filter(reads);
    expect([both.length, both.filter(isCount).length]).toEqual([2, 1]);
  });
});

describe('look-ups of one operation share one statement', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const rows = await world.readAsClient<{ id: string }>(
      `select id::text as id from ${shown.table} order by id limit 10`,
    );
    const one = `{ a0: ${shown.lookup}(id: "${rows[0]?.id}") { id } }`;
    const ten = rows.map(({ id }, n) => `a${n}: ${shown.lookup}(id: "${id}") { id }`).join(' ');
    const answer = await run(`{ ${ten} }`);
    expect(Object.values(answer.data)).toEqual(rows);
    expect(answer.statements).toHaveLength((await run(one)).statements.length);
  });

  it('nodes of several types take one statement for each type', async () => {
    const types = ['Campaign', 'Cohort', 'Agent'];
    const ids: string[] = [];
    for (const name of [...types, ...types]) {
      const rows = await world.readAsClient<{ id: string }>(
        `select id::text as id from ${caseOf(name).table} order by id limit 10`,
      );
      ids.push(...rows.map(({ id }) => Buffer.from(`${name}:${id}`).toString('base64')));
    }
    const query = 'query ($ids: [ID!]!) { nodes(nodeIds: $ids) { nodeId } }';
    const [one, all] = [await run(query, { ids: ids.slice(0, 1) }), await run(query, { ids })];
    expect(all.data.nodes.map(({ nodeId }: { nodeId: string }) => nodeId)).toEqual(ids);
    expect(all.statements.length - one.statements.length).toBe(types.length - 1);
  });
});

it('each alias of a relation with other arguments is read in one statement for all parents', async () => {
  const query = `query ($first: Int!) { campaigns(first: $first) { nodes {
    all: quests { nodes { id } }
    first: quests(first: 1, orderBy: [{ field: NAME }]) { totalCount nodes { id name } }
    done: quests(filter: { status: { equals: COMPLETED } }) { totalCount nodes { status } }
    pending: quests(filter: { status: { equals: PENDING } }) { totalCount }
  } } }`;
  const [few, all] = [await run(query, { first: 2 }), await run(query, { first: 50 })];
  expect(all.statements.length).toBe(few.statements.length);
  const [node] = all.data.campaigns.nodes;
  expect(node.all.nodes).toHaveLength(1);
  for (const { done, pending, all: quests } of all.data.campaigns.nodes) {
    expect(done.totalCount).toBe(done.nodes.length);
    expect(done.totalCount + pending.totalCount).toBeLessThanOrEqual(quests.nodes.length);
    expect(done.nodes.every(({ status }: { status: string }) => status === 'COMPLETED')).toBe(true);
  }
});
