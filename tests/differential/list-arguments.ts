import type { GraphQLInputObjectType } from 'graphql';
import { type GraphQLArgument, type GraphQLField, getNamedType, isEnumType } from 'graphql';
import type { Random } from '../torture/random.ts';
import type { Inputs } from './inputs.ts';
import type { Material, SeenCursor } from './material.ts';

type AnyField = GraphQLField<unknown, unknown>;

const GARBAGE = ['', 'x', 'bm9uZQ', 'WyJjYW1wYWlnbnM6IGlkIGFzYyBsYXN0Il0', 'W10'];
const MAX_PAGE = 100;

/** Generates the arguments of a list. */
export class ListArguments {
  readonly #random: Random;
  readonly #material: Material;
  readonly #inputs: Inputs;

  constructor(random: Random, material: Material, inputs: Inputs) {
    this.#random = random;
    this.#material = material;
    this.#inputs = inputs;
  }

  /** Returns the arguments of a field that is a list under this name in cursors. */
  of(field: AnyField, list: string, model: string, depth: number): string[] {
    const random = this.#random;
    const types = new Map(field.args.map((arg) => [arg.name, arg]));
    const seen = random.chance(0.35) ? random.pick(this.#material.cursorsOf(list)) : undefined;
    const given: string[] = [];
    const give = (name: string, value: (arg: GraphQLArgument) => string) => {
      const arg = types.get(name);
      if (arg) given.push(`${name}: ${value(arg)}`);
    };
    if (random.chance(0.5)) give('filter', ({ type }) => this.#inputs.argument(type, { model }));
    if (seen) give('orderBy', (arg) => orderOf(arg, seen));
    else if (random.chance(0.4)) give('orderBy', ({ type }) => this.#inputs.argument(type));
    this.#page(give, seen, list, depth);
    return random.shuffled(given);
  }

  #page(
    give: (name: string, value: (arg: GraphQLArgument) => string) => void,
    seen: SeenCursor | undefined,
    list: string,
    depth: number,
  ): void {
    const random = this.#random;
    const isBackward = random.chance(0.3);
    const [size, side] = isBackward ? ['last', 'before'] : ['first', 'after'];
    if (depth > 0 || seen || random.chance(0.6)) {
      give(size as string, ({ type }) => this.#inputs.given(type, () => this.#size(depth)));
    }
    const cursor = seen?.cursor ?? (random.chance(0.03) ? this.#wrongCursor(list) : undefined);
    if (cursor !== undefined) {
      give(side as string, ({ type }) => this.#inputs.given(type, () => cursor));
    } else if (random.chance(0.05)) {
      give(side as string, ({ type }) => this.#inputs.given(type, () => null));
    }
    if (random.chance(0.01)) {
      give(isBackward ? 'first' : 'last', ({ type }) => this.#inputs.given(type, () => 1));
    }
  }

  #size(depth: number): number | null {
    const random = this.#random;
    if (random.chance(0.04)) return random.pick([-1, MAX_PAGE + 1, 2147483647, null, 0]);
    return random.below(depth === 0 ? 9 : 4);
  }

  #wrongCursor(list: string): string {
    const random = this.#random;
    const { lists } = this.#material;
    if (lists.length === 0 || random.chance(0.3)) return random.pick(GARBAGE);
    const known = this.#material.cursorsOf(list);
    const { cursor } = random.pick(
      known.length > 0 ? known : this.#material.cursorsOf(random.pick(lists)),
    );
    const [signature, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const at = random.below(values.length);
    values[at] = random.pick([null, 0, 'x', values[at], '2026-01-01', true, 1e300, 'infinity']);
    return Buffer.from(JSON.stringify([signature, ...values])).toString('base64url');
  }
}

/** The order that a cursor belongs to, as an argument. */
function orderOf({ type }: GraphQLArgument, { orderings }: SeenCursor): string {
  const input = getNamedType(type) as GraphQLInputObjectType;
  const field = getNamedType(input.getFields().field?.type);
  const columns = isEnumType(field) ? field.getValues() : [];
  const parts = orderings.map(({ name, direction: said, nulls: placed }) => {
    const [direction, nulls] = [said.toUpperCase(), placed.toUpperCase()];
    const [first = '', kind = ''] = name.split('.');
    if (!kind) {
      const found = columns.find(({ value }) => value === name);
      return `{field: ${found?.name}, direction: ${direction}, nulls: ${nulls}}`;
    }
    const relation = getNamedType(input.getFields()[first]?.type);
    if (relation?.name.endsWith('RowOrder')) {
      return `{${first}: {${kind}: ${direction}}, nulls: ${nulls}}`;
    }
    if (kind === 'count') return `{${first}: {count: ${direction}, nulls: ${nulls}}}`;
    return `{${first}: {${statisticOf(name)}, direction: ${direction}, nulls: ${nulls}}}`;
  });
  return `[${parts.join(', ')}]`;
}

/** The statistic that a term of an order is named after. */
function statisticOf(name: string): string {
  const [, kind = '', of = '', ...rest] = name.split('.');
  const column = (each: string) => each.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
  const until = kind === 'between' ? `, until: ${column(rest[0] ?? '')}` : '';
  const [, percentile] = /"percentile":([\d.]+)/.exec(name) ?? [];
  const plain = kind === 'distinct' ? kind : (rest.at(-1) ?? '');
  const statistic = percentile ? `P${Math.round(Number(percentile) * 100)}` : plain.toUpperCase();
  return `statistic: ${statistic}, of: ${column(of)}${until}`;
}
