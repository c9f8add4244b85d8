import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { createReader, MAX_STATEMENT_CHARACTERS, type Plan } from '../../src/read/reader.ts';
import { schema } from '../../src/schema/index.ts';
import { readColumn } from '../../src/schema/model/columns.ts';
import { usedHeap } from '../support/garbage.ts';

/** Much less than all statements together, but more than those in the cache. */
const MAX_GROWTH = 24 * 1024 * 1024;
const FIELDS = 'id name status description objective startDate endDate createdAt updatedAt';

/** A document whose statement has almost the longest allowed length. */
const long = (title: string) => {
  const aliases = Array.from(
    { length: 28 },
    (_, n) =>
      `a${n}: campaigns(first: $first, filter: { name: { not: "${title}" } }) { nodes { ${FIELDS} } }`,
  );
  const last =
    'last: campaigns { totalCount @include(if: $a) nodes @include(if: $b) { id } pageInfo @include(if: $c) { hasNextPage } }';
  return parse(
    `query ($first: Int, $a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) { ${aliases.join(' ')} ${last} __typename @include(if: $d) }`,
  );
};

/** Makes `count` plans. Returns the growth of the heap in bytes. */
async function growth(count: number, plan: (n: number) => Plan | null): Promise<number> {
  const lengthOf = (n: number) => plan(n)?.textWith().length ?? 0;
  expect(lengthOf(0)).toBeGreaterThan(MAX_STATEMENT_CHARACTERS / 3);
  const before = await usedHeap();
  for (let n = 0; n < count; n += 1) lengthOf(n);
  return (await usedHeap()) - before;
}

/** The variables of one of 1,000 different shapes. */
const shape = (n: number) => {
  const flags = Math.floor(n / 100);
  const [a, b, c, d] = [1, 2, 4, 8].map((flag) => (flags & flag) > 0);
  return { first: 1 + (n % 100), a, b, c, d };
};

it('1,000 shapes of one document do not fill the memory', async () => {
  const { planOf } = createReader(schema, readColumn);
  const document = long('one');
  expect(planOf(document, null, shape(1))).toBe(planOf(document, null, shape(1)));
  const took = await growth(1_000, (n) => planOf(document, null, shape(n)));
  expect(took).toBeLessThan(MAX_GROWTH);
});

it('plans of 500 documents with different literals do not fill the memory', async () => {
  const { planOf } = createReader(schema, readColumn);
  const documents = Array.from({ length: 500 }, (_, n) => long(`${n}`));
  const took = await growth(documents.length, (n) => {
    const document = documents[n];
    return document ? planOf(document, null, shape(0)) : null;
  });
  expect(took).toBeLessThan(MAX_GROWTH);
  expect(documents).toHaveLength(500);
});
