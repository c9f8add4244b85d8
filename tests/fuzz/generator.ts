import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { Random } from '../torture/random.ts';
import type { Argument, Field, Plan } from './plan.ts';
import { Values } from './values.ts';
import type { FuzzWorld } from './world.ts';

const MUTATIONS = 0.3;
/** Levels of fields, and how many fields there are at each. */
const BREADTH = [2, 6, 4, 4, 3, 2];
const DEPTH = BREADTH.length;
/** How often arguments are given. Those of an aggregate refuse much of what goes with them. */
const OF_LISTS: Record<string, number> = { filter: 0.5 };
const OF_AGGREGATES: Record<string, number> = {
  ...{ filter: 0.5, groupBy: 0.8, totals: 0.3 },
  ...{ having: 0.15, orderBy: 0.15, partitionBy: 0.05, offset: 0.1, compareTo: 0.05 },
};

export interface GeneratorOptions {
  seed: string;
  /** A model at which operations begin; any, if left out. */
  about?: string | undefined;
}

/** Generates operations, and prefers fields that it has used less: the same ones for the same seed. */
export class Generator {
  readonly #schema: GraphQLSchema;
  readonly #world: FuzzWorld;
  readonly #about: string | undefined;
  readonly #seed: Random;
  readonly #used = new Map<string, number>();
  #index = 0;
  #random: Random;
  #values: Values;

  constructor(schema: GraphQLSchema, world: FuzzWorld, { seed, about }: GeneratorOptions) {
    this.#schema = schema;
    this.#world = world;
    this.#about = about;
    this.#seed = new Random(seed);
    this.#random = this.#seed;
    this.#values = new Values(world, this.#random);
  }

  /** Returns the next operation, with its random choices. */
  next(): { index: number; plan: Plan; random: Random } {
    const index = this.#index++;
    this.#random = this.#seed.of(String(index));
    this.#values = new Values(this.#world, this.#random);
    const roots = this.#roots();
    const wanted = this.#random.chance(MUTATIONS) ? 'mutation' : 'query';
    const [operation, root] = roots.find(([name]) => name === wanted) ?? roots[0] ?? [];
    if (!operation || !root) throw new TypeError(`No operation begins at ${this.#about}`);
    const count = this.#random.chance(0.7) ? 1 : 2;
    const fields = this.#pickFields(root, count, 0).map((field) => this.#field(root, field, 0));
    return { index, plan: { operation, fields: named(fields) }, random: this.#random.of('after') };
  }

  /** The fields at which operations can begin. */
  #roots(): ['query' | 'mutation', GraphQLObjectType][] {
    const types = { query: this.#schema.getQueryType(), mutation: this.#schema.getMutationType() };
    return (['query', 'mutation'] as const).flatMap((name) => {
      const type = types[name];
      return type && this.#able(type, 0).length > 0 ? [[name, type]] : [];
    });
  }

  #able(type: GraphQLObjectType, depth: number): GraphQLField<unknown, unknown>[] {
    return Object.values(type.getFields()).filter(
      (field) =>
        (depth < DEPTH - 1 || !isCompositeType(getNamedType(field.type))) &&
        (depth > 0 || !this.#about || modelBehind(field.type) === this.#about),
    );
  }

  /** Each is the least used one of a few. */
  #pickFields(type: GraphQLObjectType, count: number, depth: number) {
    const able = this.#able(type, depth);
    const picked = new Set<GraphQLField<unknown, unknown>>();
    for (let n = 0; n < count && able.length > 0; n += 1) {
      const some = Array.from({ length: 3 }, () => this.#random.pick(able));
      const use = ({ name }: { name: string }) => this.#used.get(`${type.name}.${name}`) ?? 0;
      picked.add(some.reduce((least, each) => (use(each) < use(least) ? each : least)));
    }
    return [...picked];
  }

  #field(
    parent: GraphQLObjectType,
    { name, type, args }: GraphQLField<unknown, unknown>,
    depth: number,
  ): Field {
    const use = `${parent.name}.${name}`;
    this.#used.set(use, (this.#used.get(use) ?? 0) + 1);
    const given = this.#arguments(args, type, depth);
    return {
      parent: parent.name,
      name,
      key: name,
      type,
      args: given,
      fields: this.#selection(type, depth + 1, given),
    };
  }

  #selection(output: GraphQLOutputType, depth: number, args: readonly Argument[]): Field[] {
    const type = getNamedType(output);
    if (!isCompositeType(type)) return [];
    const typename = {
      parent: type.name,
      name: '__typename',
      key: '__typename',
      args: [],
      fields: [],
    };
    const bare: Field = { ...typename, type: this.#stringType() };
    if (isAbstractType(type)) {
      const possible = this.#schema.getPossibleTypes(type);
      const wanted = nodeTypes(args);
      const chosen =
        possible.find(({ name }) => wanted.includes(name)) ?? this.#random.pick(possible);
      const shared =
        type.name === 'MutationError'
          ? ['message', 'path'].map((name) => this.#plain(type.name, name))
          : [];
      const inner = this.#selection(chosen, depth, []).map((field) => ({
        ...field,
        on: chosen.name,
      }));
      return named([bare, ...shared, ...inner]);
    }
    const breadth = 1 + this.#random.below(BREADTH[depth] ?? 1);
    const fields = this.#pickFields(type, breadth, depth);
    const list = fields.map((field) => this.#field(type, field, depth));
    // The fields inside a connection and a payload are the important ones.
    for (const name of through(type)) {
      const field = type.getFields()[name];
      if (field && depth < DEPTH && !list.some((each) => each.name === name)) {
        list.push(this.#field(type, field, depth));
      }
    }
    return list.length > 0 ? named(list) : [bare];
  }

  #plain(parent: string, name: string): Field {
    return { parent, name, key: name, type: this.#stringType(), args: [], fields: [] };
  }

  #stringType(): GraphQLOutputType {
    return this.#schema.getType('String') as GraphQLOutputType;
  }

  #arguments(args: readonly GraphQLArgument[], type: GraphQLOutputType, depth: number): Argument[] {
    const model = modelBehind(type);
    const isBackward = this.#random.chance(0.2);
    const isAggregate = getNamedType(type).name.endsWith('Aggregate');
    return args.flatMap((arg): Argument[] => {
      const isNeeded = isNonNullType(arg.type) && arg.defaultValue === undefined;
      const isInline = this.#random.chance(0.25);
      const give = (value: unknown, needed = isNeeded): Argument[] => [
        { name: arg.name, type: arg.type, value, isInline, isNeeded: needed },
      ];
      switch (arg.name) {
        case 'dryRun':
          return give(true, true);
        case 'first':
        case 'last': {
          const isList = args.some(({ name }) => name === 'last');
          if (isList && isBackward !== (arg.name === 'last')) return [];
          if (depth === 0 && this.#random.chance(0.1)) return [];
          // Nested lists multiply, and so does their cost.
          return give(1 + this.#random.below(depth === 0 ? 8 : 3), depth > 0);
        }
        case 'after':
        case 'before':
          return [];
        case 'atMost':
          return give(1 + this.#random.below(6));
        case 'nodeId':
          return give(this.#nodeId());
        case 'nodeIds':
          return give(Array.from({ length: 1 + this.#random.below(3) }, () => this.#nodeId()));
        default: {
          const likely = (isAggregate ? OF_AGGREGATES : OF_LISTS)[arg.name] ?? 0.3;
          if (!isNeeded && !this.#random.chance(depth === 0 ? likely : likely / 2)) return [];
          return give(this.#values.value(arg.type, { model, name: arg.name }));
        }
      }
    });
  }

  #nodeId(): string {
    const model = this.#random.pick([...this.#world.ids.keys()]);
    return Buffer.from(`${model}:${this.#values.id(model)}`).toString('base64');
  }
}

/** The model of a row, a list or a payload. */
function modelBehind(type: GraphQLOutputType): string {
  return getNamedType(type).name.replace(/(Connection|BulkPayload|Payload|Aggregate)$/, '');
}

function nodeTypes(args: readonly Argument[]): string[] {
  return args
    .filter(({ name }) => /^nodeIds?$/.test(name))
    .flatMap(({ value }) => [value].flat())
    .map((id) => Buffer.from(String(id), 'base64').toString().split(':')[0] ?? '');
}

/** Fields that return rows. */
function through(type: GraphQLObjectType): string[] {
  const fields = type.getFields();
  if (type.name.endsWith('Connection')) return ['nodes'];
  if (type.name.endsWith('Edge')) return ['node'];
  if (type.name.endsWith('Aggregate')) return ['groups'];
  if (!type.name.endsWith('Payload')) return [];
  return [
    'errors',
    ...Object.keys(fields).filter((name) => isObjectType(getNamedType(fields[name]?.type))),
  ];
}

/** Gives different names to fields that would have the same name in an answer. */
function named(fields: readonly Field[]): Field[] {
  const taken = new Set<string>();
  return fields.map((field) => {
    let key = field.name;
    for (let n = 2; taken.has(key); n += 1) key = `${field.name}${n}`;
    taken.add(key);
    return { ...field, key };
  });
}
