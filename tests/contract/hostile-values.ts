import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLNullableType,
  getNullableType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
} from 'graphql';
import { type Hostile, hostileScalars, SHAPES } from '../support/hostile.ts';

/** Returns a valid value for an argument or a field of an input; undefined to omit it. */
export type Sample = (name: string, type: GraphQLInputType) => unknown;

/** More items than any list may have. */
const LONG_LIST = 2_000;
/** Longer lists would exceed the limit of a request's body. */
const LONG_LIST_BYTES = 500_000;
/** Stops the recursion of inputs that contain each other. */
const MAX_DEPTH = 3;

/**
 * Makes hostile values for the arguments of a schema. Each argument gets a few of the values for its
 * type, and the next one gets others. All fields of each input object are tested once.
 */
export class HostileValues {
  readonly #sample: Sample;
  readonly #expand: boolean;
  readonly #turns = new Map<string, number>();
  readonly #expanded = new Set<string>();

  /** With `expand`, all fields of each input object are tested once, otherwise a few of them. */
  constructor(sample: Sample, { expand = true } = {}) {
    this.#sample = sample;
    this.#expand = expand;
  }

  /** Returns about `count` values for an argument or a field of this name and type. */
  for(name: string, type: GraphQLInputType, count: number, depth = 0): Hostile[] {
    const nullable = getNullableType(type) as GraphQLNullableType & GraphQLInputType;
    if (isListType(nullable)) return this.#lists(name, nullable.ofType, count, depth);
    if (isInputObjectType(nullable)) return this.#objects(nullable, count, depth);
    const kind = isScalarType(nullable) ? nullable.name : 'enum';
    const [first, ...others] = this.take(kind, hostileScalars(kind), count);
    const [shape = first] = this.#shapes();
    return [shape, ...others] as Hostile[];
  }

  /** Values that all scalars and input objects refuse in the same way. A few of them are enough. */
  #shapes(): Hostile[] {
    const [isTurn] = this.take('turns', [false, false, true], 1);
    return isTurn ? this.take('shapes', SHAPES, 1) : [];
  }

  /** Returns the next values of a list, and starts again at its end. */
  take<T>(key: string, values: readonly T[], count: number): T[] {
    const turn = this.#turns.get(key) ?? 0;
    this.#turns.set(key, turn + count);
    return Array.from(
      { length: Math.min(count, values.length) },
      (_, i) => values[(turn + i) % values.length] as T,
    );
  }

  #lists(name: string, item: GraphQLInputType, count: number, depth: number): Hostile[] {
    const items = this.for(name, item, count, depth);
    const sample = this.#sample(name, item) ?? null;
    return [
      ...items.map(({ name: about, value }) => ({ name: `[${about}]`, value: [value] })),
      ...this.take('lists', this.#longLists(sample), 1),
    ];
  }

  #longLists(sample: unknown): Hostile[] {
    const longest = Math.min(
      LONG_LIST,
      Math.floor(LONG_LIST_BYTES / JSON.stringify(sample).length),
    );
    return [
      { name: 'a long list', value: Array.from({ length: longest }, () => sample) },
      { name: 'a list of null', value: [null] },
      { name: 'lists in lists', value: [[[sample]]] },
      { name: 'no list', value: {} },
      { name: 'an empty list', value: [] },
    ];
  }

  #objects(type: GraphQLInputObjectType, count: number, depth: number): Hostile[] {
    if (depth >= MAX_DEPTH) return this.take('shapes', SHAPES, 1);
    const fields = Object.values(type.getFields());
    const isFirst = this.#expand && depth <= 1 && !this.#expanded.has(type.name);
    if (isFirst) this.#expanded.add(type.name);
    const chosen = isFirst ? fields : this.take(type.name, fields, count);
    const base = this.sampleOf(type);
    const values = chosen.flatMap((field) =>
      this.for(field.name, field.type, 1, depth + 1).map(({ name, value }) => ({
        name: `${field.name}: ${name}`,
        value: { ...(type.isOneOf ? {} : base), [field.name]: value },
      })),
    );
    return [...values, ...this.#shapes()];
  }

  /** Returns a valid value of an input object with its required fields. */
  sampleOf(type: GraphQLInputObjectType): Record<string, unknown> {
    return Object.fromEntries(
      Object.values(type.getFields()).flatMap((field) => {
        if (!isNonNullType(field.type) || field.defaultValue !== undefined) return [];
        return [[field.name, this.#sample(field.name, field.type)]];
      }),
    );
  }
}
