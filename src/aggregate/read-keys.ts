import { columnOf, modelOf } from '../resolvers/catalog.ts';
import type { Input } from '../resolvers/conditions.ts';
import { limits } from '../resolvers/limits.ts';
import { refusal } from '../resolvers/refusal.ts';
import { textProblem } from '../resolvers/value-problem.ts';
import type { Grouping, GroupKey, MomentPart, MomentUnit } from './description.ts';
import { readTimeZone } from './time.ts';

/** How a client groups by a column. */
interface KeyInput {
  bucket?: MomentUnit | null;
  part?: MomentPart | null;
  timeZone?: string | null;
  weekStart?: number | null;
  width?: string | null;
  items?: boolean | null;
  path?: readonly string[] | null;
  fill?: boolean | null;
}

/** Reads the keys of groups. Throws BAD_USER_INPUT with the argument at fault. */
export function readKeys(model: string, given: readonly Input[]): GroupKey[] {
  if (given.length > limits.maxGroupKeys) {
    throw refusal('groupBy', `Groups have at most ${limits.maxGroupKeys} keys.`);
  }
  const keys = given.map((input, n) => readKey(model, input, `groupBy[${n}]`));
  const known = new Set<string>();
  for (const key of keys) {
    const identity = keyIdentity(key.relation, key.name, key.grouping.kind === 'part');
    if (known.has(identity)) throw refusal(key.argument, 'This is a key of the groups already.');
    known.add(identity);
  }
  return keys;
}

/** Returns the identity of a key: a column may be one key by its value, and another by a part of it. */
export function keyIdentity(relation: string | null, name: string, isPart: boolean): string {
  return JSON.stringify([relation, name, isPart]);
}

/** Returns the number of the key that an input for a key names, without regard to how it groups. */
export function keyNumber(
  keys: readonly GroupKey[],
  model: string,
  input: Input,
  at: string,
): number {
  const { relation, name, argument, given } = placeOf(model, input, at);
  const isPart = given.part != null;
  const isIt = (key: GroupKey) => key.relation === relation && key.name === name;
  const exact = keys.findIndex((key) => isIt(key) && (key.grouping.kind === 'part') === isPart);
  const found = exact >= 0 ? exact : keys.findIndex(isIt);
  if (found < 0) throw refusal(argument, 'Groups have no such key: add it to "groupBy".');
  return found;
}

/** Finds out which column an input for a key is about. */
function placeOf(model: string, input: Input, at: string) {
  const [field = '', value] = Object.entries(input)[0] ?? [];
  const given = (value ?? {}) as KeyInput & Input;
  const { columns, relations } = modelOf(model);
  if (columns[field]) {
    return { relation: null, model, name: field, argument: `${at}.${field}`, given };
  }
  const relation = relations[field];
  const [inner = '', innerValue] = Object.entries(given)[0] ?? [];
  const argument = `${at}.${field}.${inner}`;
  if (!relation || !modelOf(relation.to).columns[inner]) {
    throw refusal(argument, 'A key reaches one relation far, not further.');
  }
  return {
    relation: field,
    model: relation.to,
    name: inner,
    argument,
    given: (innerValue ?? {}) as KeyInput,
  };
}

function readKey(model: string, input: Input, at: string): GroupKey {
  const { given, ...place } = placeOf(model, input, at);
  const column = columnOf(place.model, place.name);
  const grouping = readGrouping({ ...place, column }, given);
  const key: GroupKey = { ...place, column, grouping, fill: given.fill ?? false };
  if (key.fill && !isFillable(key)) {
    const message =
      column.type === 'DateTime'
        ? 'Moments are filled in by a "bucket" or a "part".'
        : 'Only numbers with a "width" are filled in.';
    throw refusal(`${place.argument}.fill`, message);
  }
  return key;
}

function isFillable({ column, grouping }: GroupKey): boolean {
  return grouping.kind !== 'value' || column.kind === 'enum' || column.type === 'Boolean';
}

type Place = Pick<GroupKey, 'column' | 'argument'>;

function readGrouping({ column, argument }: Place, given: KeyInput): Grouping {
  if (column.isList) {
    if (given.items) return { kind: 'items' };
    throw refusal(
      `${argument}.items`,
      'Groups by a list are groups by its items: say "items: true".',
    );
  }
  if (column.type === 'Json') {
    if (given.path?.length) return readPath(given.path, `${argument}.path`);
    throw refusal(
      `${argument}.path`,
      'Groups by JSON are groups by what is at a path: give one, such as ["budget", "0"].',
    );
  }
  if (column.type === 'DateTime') {
    const isDay = column.nativeType === 'Date';
    if (given.bucket && given.part) {
      throw refusal(`${argument}.part`, 'Give either "bucket" or "part", not both.');
    }
    if (isDay && (given.bucket === 'hour' || given.part === 'hour')) {
      const field = given.bucket ? 'bucket' : 'part';
      throw refusal(
        `${argument}.${field}`,
        'A day has no hours: take DAY, WEEK, MONTH, QUARTER or YEAR.',
      );
    }
    const timeZone = readTimeZone(given.timeZone ?? 'UTC', `${argument}.timeZone`);
    const weekStart = given.weekStart ?? 1;
    if (given.bucket) return { kind: 'bucket', unit: given.bucket, timeZone, weekStart };
    if (given.part) return { kind: 'part', part: given.part, timeZone };
  }
  if (given.width != null) return { kind: 'step', width: readWidth(column, given.width, argument) };
  return { kind: 'value' };
}

function readPath(path: readonly string[], argument: string): Grouping {
  if (path.length > limits.maxJsonDepth) {
    throw refusal(argument, `JSON nests at most ${limits.maxJsonDepth} levels.`);
  }
  for (const step of path) {
    if (step.length > limits.maxFilterStringLength) {
      throw refusal(argument, `A step has at most ${limits.maxFilterStringLength} characters.`);
    }
    const problem = textProblem(step);
    if (problem) throw refusal(argument, problem);
  }
  return { kind: 'path', path };
}

function readWidth({ type }: Place['column'], width: string, argument: string): string {
  const number = Number(width);
  if (!(number > 0) || !Number.isFinite(number)) {
    throw refusal(`${argument}.width`, 'The width of a step is more than 0.');
  }
  if ((type === 'Int' || type === 'BigInt') && !Number.isSafeInteger(number)) {
    throw refusal(`${argument}.width`, 'Whole numbers have steps of a whole width.');
  }
  return width;
}
