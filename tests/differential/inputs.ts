import {
  GraphQLBoolean,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLNonNull,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { uuidOf } from '../../prisma/seed/random.ts';
import { catalog } from '../../src/generated/catalog.ts';
import type { Random } from '../torture/random.ts';
import type { Draft } from './draft.ts';
import type { Material } from './material.ts';

/** A value of an input type: in GraphQL and, unless it has variables, in JSON. */
interface Value {
  text: string;
  json: unknown;
}

/** The column that a value is compared with, and how. */
interface Purpose {
  model?: string | undefined;
  column?: string | undefined;
  operator?: string;
  isRelated?: boolean;
  depth: number;
}

const PATTERNS = ['contains', 'startsWith', 'endsWith'];
/** Characters with a special meaning in patterns. */
const WILD = ['%', '_', '\\', '%u', 'l_h', '0%', 'k\\', 'e_'];
const LOGIC = ['and', 'or', 'not'];
const NULL = { text: 'null', json: null };
/** Values of types, in addition to stored ones. */
const ODD: Record<string, readonly (string | number | boolean)[]> = {
  String: ['', 'a', '%', '_', '\\', "'", '"', 'É', 'é', '100%', 'one', '\u{1f600}', 'alpha\n'],
  Int: [0, 1, -1, 7, 2147483647, -2147483648],
  Float: [0, -0.5, 0.1, 1e100, 1e-7, 12345678901234568],
  Boolean: [true, false],
  BigInt: ['0', '-9223372036854775808', '9223372036854775807', '7'],
  Decimal: ['0', '7.250', '-1.5', '1e3', '0.000000000000000001'],
  Date: ['2024-02-29', '0001-01-01', '9999-12-31'],
  DateTime: ['2026-01-03T00:00:00.678Z', '2026-01-03T05:30:00.678+05:30', '9999-12-31T23:59:59Z'],
  JSON: [7, 'Alpha', true, 'two'],
  URL: ['https://example.com/', 'http://example.com/a?b=c'],
};

/** Generates the values of arguments, and decides which of them are variables. */
export class Inputs {
  readonly #random: Random;
  readonly #material: Material;
  readonly #draft: Draft;
  /** Whether a filter may have conditions that cannot be compiled. */
  readonly #isWide: boolean;

  constructor(random: Random, material: Material, draft: Draft, isWide: boolean) {
    this.#random = random;
    this.#material = material;
    this.#draft = draft;
    this.#isWide = isWide;
  }

  /** Returns the text of a value, in which parts may be variables. */
  argument(type: GraphQLInputType, about: { model?: string; column?: string } = {}): string {
    return this.#value(type, { ...about, depth: 0 }, true).text;
  }

  /** Returns one of the values that `make` generates, as a literal or as a variable. */
  given(type: GraphQLInputType, make: () => unknown): string {
    const written = () => {
      const json = make();
      return { text: JSON.stringify(json), json };
    };
    return this.#random.chance(0.35) ? this.#variable(type, written) : written().text;
  }

  /** A condition of @skip or @include. */
  condition(): string {
    return this.given(new GraphQLNonNull(GraphQLBoolean), () => this.#random.chance(0.6));
  }

  #value(type: GraphQLInputType, purpose: Purpose, mayVary: boolean): Value {
    const random = this.#random;
    if (mayVary && random.chance(purpose.depth === 0 ? 0.3 : 0.15)) {
      const make = () => this.#value(type, purpose, false);
      return { text: this.#variable(type, make), json: undefined };
    }
    if (isNonNullType(type)) return this.#value(type.ofType, purpose, mayVary);
    if (random.chance(0.01)) return NULL;
    if (isListType(type)) return this.#list(type.ofType, purpose, mayVary);
    if (isEnumType(type)) {
      const { name } = random.pick(type.getValues());
      return { text: name, json: name };
    }
    if (isInputObjectType(type)) return this.#object(type, purpose, mayVary);
    const json = this.#scalar(type.name, purpose);
    return { text: JSON.stringify(json), json };
  }

  /** A new variable, declared and sent (or not) in any way that its type allows. */
  #variable(type: GraphQLInputType, make: () => Value): string {
    const random = this.#random;
    const { text, json } = make();
    const isStrict = random.chance(isNonNullType(type) ? 0.8 : 0.15);
    const bare = String(getNullableType(type));
    const mayHavePreset = !isStrict && (isNonNullType(type) || random.chance(0.3));
    const sent = () => {
      const value = random.chance(0.6) ? json : make().json;
      if (isStrict) return { value };
      if (random.chance(0.2)) return undefined;
      return { value: random.chance(0.06) ? null : value };
    };
    return this.#draft.variable(isStrict ? `${bare}!` : bare, mayHavePreset ? text : undefined, [
      sent(),
      sent(),
    ]);
  }

  #list(item: GraphQLInputType, purpose: Purpose, mayVary: boolean): Value {
    const random = this.#random;
    const deeper = { ...purpose, depth: purpose.depth + 1 };
    // A single value counts as a list of one.
    if (random.chance(0.1)) return this.#value(item, deeper, false);
    const length = random.chance(0.05) ? 0 : 1 + random.below(2);
    const items = Array.from({ length }, () => this.#value(item, deeper, mayVary));
    return {
      text: `[${items.map(({ text }) => text).join(', ')}]`,
      json: items.map(({ json }) => json),
    };
  }

  #object(type: GraphQLInputObjectType, purpose: Purpose, mayVary: boolean): Value {
    // A variable for a field of which there is exactly one cannot be null.
    const innerMayVary = mayVary && !type.isOneOf;
    const fields = this.#chosen(type, purpose).map(({ name, type: inner }) => {
      const value = this.#value(inner, within(type, name, purpose), innerMayVary);
      return { name, ...value };
    });
    return {
      text: `{${fields.map(({ name, text }) => `${name}: ${text}`).join(', ')}}`,
      json: Object.fromEntries(fields.map(({ name, json }) => [name, json])),
    };
  }

  #chosen(type: GraphQLInputObjectType, purpose: Purpose): GraphQLInputField[] {
    const random = this.#random;
    const all = Object.values(type.getFields());
    if (type.isOneOf) return [random.pick(all)];
    if (/OrderBy$/.test(type.name)) return this.#ordered(type, all);
    if (random.chance(0.02)) return [];
    if (/Having$/.test(type.name) && random.chance(0.4)) {
      return all.filter(({ name }) => name === 'count' || name === 'filter');
    }
    const logic = all.filter(({ name }) => LOGIC.includes(name) && !purpose.column);
    const plain = all.filter(
      (field) => !logic.includes(field) && this.#isOffered(type, field, purpose),
    );
    const relations = plain.filter(({ name }) => relationOf(type, name));
    const pool =
      logic.length > 0 && purpose.depth < 5 && random.chance(0.3)
        ? logic
        : relations.length > 0 && random.chance(0.3)
          ? relations
          : plain;
    return random.shuffled(pool).slice(0, random.chance(0.7) ? 1 : 2);
  }

  /** The fields of an order: by a column or a relation; by a count or a statistic. */
  #ordered(type: GraphQLInputObjectType, all: GraphQLInputField[]): GraphQLInputField[] {
    const random = this.#random;
    if (random.chance(0.04)) return all.filter(() => random.chance(0.3));
    const named = (wanted: readonly string[]) => all.filter(({ name }) => wanted.includes(name));
    const perhaps = (wanted: readonly string[]) => named(wanted.filter(() => random.chance(0.5)));
    if (type.name.endsWith('GroupOrderBy')) {
      return random.chance(0.5)
        ? [...named(['count']), ...perhaps(['filter', 'nulls'])]
        : [...named(['statistic', 'of']), ...perhaps(['filter', 'direction', 'nulls'])];
    }
    const relations = all.filter(({ type: each }) => isInputObjectType(getNullableType(each)));
    return relations.length > 0 && random.chance(0.4)
      ? [random.pick(relations), ...(random.chance(0.2) ? named(['nulls']) : [])]
      : [...named(['field']), ...perhaps(['direction', 'nulls'])];
  }

  #isOffered(type: GraphQLInputObjectType, { name }: GraphQLInputField, purpose: Purpose) {
    const model = modelOf(type);
    if (!model || this.#isWide) return true;
    const { columns, relations } = catalog.models[model] ?? {};
    if (columns?.[name]?.type === 'Json') return false;
    return !(purpose.isRelated && relations?.[name]);
  }

  #scalar(type: string, { model, column, operator = '' }: Purpose): string | number | boolean {
    const random = this.#random;
    const stored = model && column ? this.#material.valuesOf(model, column) : [];
    if (PATTERNS.includes(operator) && random.chance(0.3)) return random.pick(WILD);
    const odd = ODD[type] ?? [];
    const isStored = stored.length > 0 && (odd.length === 0 || random.chance(0.85));
    if (!isStored) return odd.length > 0 ? random.pick(odd) : this.#id(model);
    const value = random.pick(stored);
    if (PATTERNS.includes(operator)) return this.#part(value, operator);
    if (type === 'Int' || type === 'Float') return Number(value);
    if (type === 'Boolean') return value === 'true';
    if (type === 'Date') return value.slice(0, 10);
    if (type === 'UUID' && random.chance(0.1)) return this.#id(model);
    return value;
  }

  #part(value: string, operator: string): string {
    const letters = [...value];
    const length = 1 + this.#random.below(4);
    const last = Math.max(0, letters.length - length);
    const start = { startsWith: 0, endsWith: last }[operator] ?? this.#random.below(last + 1);
    const part = letters.slice(start, start + length).join('');
    return this.#random.chance(0.3) ? part.toUpperCase() : part;
  }

  #id(model: string | undefined): string {
    const known = model ? this.#material.valuesOf(model, 'id') : [];
    return known.length > 0 && this.#random.chance(0.8)
      ? this.#random.pick(known)
      : uuidOf(`nobody ${this.#random.below(1000)}`);
  }
}

/** The model whose rows an input describes. */
function modelOf({ name }: GraphQLInputObjectType): string | undefined {
  const model = name.replace(/Filter$/, '');
  return model in catalog.models ? model : undefined;
}

function relationOf(type: GraphQLInputObjectType, name: string) {
  const model = modelOf(type);
  return model ? catalog.models[model]?.relations[name] : undefined;
}

/** The use of a field of an input. */
function within(type: GraphQLInputObjectType, name: string, purpose: Purpose): Purpose {
  const depth = purpose.depth + 1;
  const model = modelOf(type);
  // What an order counts is filtered like the rows of a relation.
  if (name === 'filter') return { depth, isRelated: true };
  if (!model) return { ...purpose, depth, operator: name };
  const relation = relationOf(type, name);
  if (relation) return { model: relation.to, depth, isRelated: true };
  const isColumn = catalog.models[model]?.columns[name] !== undefined;
  return { ...purpose, depth, model, column: isColumn ? name : undefined };
}
