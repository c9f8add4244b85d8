import {
  type Hostile,
  hostileScalars,
  nestedLists,
  nestedObjects,
  RawJson,
  SHAPES,
} from '../../tests/support/hostile.ts';

export const MANY = 10_000;
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Returns what may be sent where a scalar is expected. */
export const scalars = (type: string) => [...hostileScalars(type), ...SHAPES];
/** Returns a list of so many equal items. */
export const list = (length: number, value: unknown): unknown[] =>
  Array.from({ length }, () => value);
const object = (length: number) =>
  Object.fromEntries(list(length, 1).map((value, n) => [`unknown${n}`, value]));

/** Structures that are hostile wherever an input object is expected. */
export const STRUCTURES: readonly Hostile[] = [
  { name: '1,500 lists in lists', value: nestedLists(1_500) },
  {
    name: '100,000 lists in lists',
    value: new RawJson(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  },
  { name: '1,500 objects in objects', value: nestedObjects(1_500) },
  { name: '1,500 levels of not', value: nestedObjects(1_500, 'not') },
  { name: '90 levels of not', value: nestedObjects(90, 'not') },
  { name: '50,000 unknown fields', value: object(50_000) },
  { name: '10,000 empty objects', value: list(MANY, {}) },
  { name: '100,000 numbers', value: list(100_000, 1) },
  { name: '900,000 characters', value: 'x'.repeat(900_000) },
];

/** Lists of texts. */
export const LISTS: readonly Hostile[] = [
  { name: '501 values', value: list(501, 'x') },
  { name: '10,000 values', value: list(MANY, 'x') },
  { name: '100,000 values', value: list(100_000, 'x') },
  { name: '500 long values', value: list(500, 'x'.repeat(1_000)) },
];

/** Filters of campaigns and of their quests. */
export const FILTERS: readonly Hostile[] = [
  { name: '100 texts to find', value: { or: list(100, { name: { contains: 'a' } }) } },
  { name: '101 comparisons', value: { or: list(101, { name: { contains: 'a' } }) } },
  { name: '10,000 comparisons', value: { or: list(MANY, { name: { contains: 'a' } }) } },
  { name: '10,000 empty conditions', value: { and: list(MANY, {}) } },
  { name: '10,000 conditions on relations', value: { and: list(MANY, { quests: { some: {} } }) } },
  {
    name: '100 relations',
    value: { or: list(100, { quests: { some: { name: { contains: 'a' } } } }) },
  },
  { name: '19,000 ids', value: { id: { in: list(19_000, NOBODY) } } },
  { name: '500 ids', value: { id: { in: list(500, NOBODY) } } },
  { name: 'wildcards', value: { name: { contains: '%_'.repeat(500) } } },
  { name: 'JSON of 1,500 levels', value: { resourceAllocation: { equals: nestedObjects(1_500) } } },
  { name: 'JSON of 50 levels', value: { resourceAllocation: { equals: nestedObjects(50) } } },
  { name: 'JSON of 10,000 keys', value: { resourceAllocation: { equals: object(MANY) } } },
  {
    name: 'a path of 10,000 steps',
    value: { resourceAllocation: { path: list(MANY, 'a'), equals: 1 } },
  },
];
