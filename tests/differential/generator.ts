import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { catalog } from '../../src/generated/catalog.ts';
import { readableIn } from '../../src/read/readable.ts';
import type { Random } from '../torture/random.ts';
import { Draft, type Request } from './draft.ts';
import { Inputs } from './inputs.ts';
import { ListArguments } from './list-arguments.ts';
import type { Material } from './material.ts';

type AnyField = GraphQLField<unknown, unknown>;

const IN_AGGREGATES = /(Aggregate|Group|GroupDistinct|GroupValues|Statistics)$/;
const MAX_DEPTH = 4;
const TRIES = 20;
/** Fields with cursors of histories. */
const SEALED = new Set(['AuditEntryEdge.cursor', 'AuditEntryConnection.pageInfo']);

/** Generates valid queries: the same ones for the same random numbers and material. */
export class Generator {
  readonly #schema: GraphQLSchema;
  readonly #material: Material;

  constructor(schema: GraphQLSchema, material: Material) {
    this.#schema = schema;
    this.#material = material;
  }

  /** Returns a query, sometimes twice with other variables: the second time it has a plan. */
  next(random: Random): Request[] {
    for (let n = 0; n < TRIES; n += 1) {
      const requests = new Selections(this.#schema, this.#material, random).requests();
      const { query = '' } = requests[0] ?? {};
      if (validate(this.#schema, parse(query)).length > 0) continue;
      const accept = random.chance(0.2) ? 'application/graphql-response+json' : undefined;
      const sent = random.chance(0.35) ? requests : requests.slice(0, 1);
      return sent.map((request) => ({ ...request, accept }));
    }
    throw new Error(`None of ${TRIES} queries was valid`);
  }
}

/** Generates the selection of one query. */
class Selections {
  readonly #schema: GraphQLSchema;
  readonly #material: Material;
  readonly #random: Random;
  readonly #draft = new Draft();
  readonly #inputs: Inputs;
  readonly #lists: ListArguments;
  /** Whether it may select fields that cannot be compiled. */
  readonly #isWide: boolean;

  constructor(schema: GraphQLSchema, material: Material, random: Random) {
    this.#schema = schema;
    this.#material = material;
    this.#random = random;
    this.#isWide = random.chance(0.2);
    this.#inputs = new Inputs(random, material, this.#draft, this.#isWide);
    this.#lists = new ListArguments(random, material, this.#inputs);
  }

  requests(): Request[] {
    const random = this.#random;
    const query = this.#schema.getQueryType() as GraphQLObjectType;
    const fields = Object.values(query.getFields());
    const roots = fields.filter((field) => this.#isCompiled(field));
    const others = fields.filter((field) => !roots.includes(field));
    const count = random.chance(0.6) ? 1 : 2;
    const chosen = Array.from({ length: count }, () =>
      random.pick(this.#isWide && random.chance(0.4) ? others : roots),
    );
    const parts = this.#written(query, chosen, 0);
    const text = this.#decorated(query, parts);
    if (random.chance(0.1)) {
      const others = random.chance(0.5) ? '\nquery Other { __typename }' : '';
      return this.#draft.requests(text, 'Named', others);
    }
    return this.#draft.requests(text, undefined);
  }

  /** A selection set on a type. */
  #set(type: GraphQLObjectType, depth: number): string {
    const random = this.#random;
    const able = Object.values(type.getFields()).filter((field) => this.#isOffered(type, field));
    const leaves = able.filter((field) => !isCompositeType(getNamedType(field.type)));
    const inner = able.filter((field) => !leaves.includes(field));
    const some = (list: readonly AnyField[], count: number) =>
      random.shuffled(list).slice(0, count);
    const isPassage = /(Connection|Edge)$/.test(type.name);
    const branches = isPassage
      ? 1 + random.below(2)
      : depth < MAX_DEPTH
        ? random.below(random.chance(0.5) ? 2 : 3)
        : 0;
    const chosen = [
      ...some(leaves, isPassage ? random.below(2) : 1 + random.below(3)),
      ...some(inner, branches),
      ...(branches > 0 && random.chance(0.06) ? this.#siblings(inner) : []),
    ];
    const parts = this.#written(type, random.shuffled(chosen), depth);
    if (parts.length === 0 || random.chance(0.08)) parts.push(this.#typename());
    return this.#decorated(type, parts);
  }

  /** A list several times: rows of a relation that many lists show are read once. */
  #siblings(fields: readonly AnyField[]): AnyField[] {
    const lists = fields.filter(({ type }) => getNamedType(type).name.endsWith('Connection'));
    const [list] = this.#random.shuffled(lists);
    return list ? Array.from({ length: 4 + this.#random.below(3) }, () => list) : [];
  }

  /** Aggregates are compared with plain SQL elsewhere, and most of their random arguments are wrong. */
  #isCompiled({ extensions }: AnyField): boolean {
    const what = readableIn(extensions);
    return what !== undefined && (what.kind !== 'aggregate' || this.#random.chance(0.05));
  }

  /** Fields that cannot be compiled are only for documents that are executed in part. */
  #isOffered(type: GraphQLObjectType, field: AnyField): boolean {
    if (this.#isCompiled(field)) return true;
    if (readableIn(field.extensions)) return false;
    if (IN_AGGREGATES.test(type.name)) return true;
    const isRare = field.name === 'liveCursor' || type.name in catalog.models;
    if (!isRare && /(Connection|Edge)$|^PageInfo$/.test(type.name)) return true;
    return this.#isWide && (!isRare || this.#random.chance(0.15));
  }

  #typename(): string {
    return this.#random.chance(0.3) ? `${this.#draft.name('a')}: __typename` : '__typename';
  }

  #written(type: GraphQLObjectType, fields: readonly AnyField[], depth: number): string[] {
    const random = this.#random;
    const taken = new Set<string>();
    return fields.flatMap((field) => {
      const args = this.#arguments(type, field, depth);
      const isOften = taken.has(field.name) && isCompositeType(getNamedType(field.type));
      taken.add(field.name);
      // What is sealed again for every answer has a name by which the comparison skips it.
      const isSealed = field.name === 'liveCursor' || SEALED.has(`${type.name}.${field.name}`);
      const prefix = isSealed ? 'sealed' : 'a';
      const isAliased = isSealed || isOften || random.chance(0.06);
      const alias = isAliased ? `${this.#draft.name(prefix)}: ` : '';
      const head = `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}`;
      const written = () => `${head}${this.#directives()}${this.#inner(field, args, depth)}`;
      return random.chance(0.04) ? [written(), written()] : [written()];
    });
  }

  #directives(): string {
    const random = this.#random;
    const directive = (name: string) => ` @${name}(if: ${this.#inputs.condition()})`;
    const include = random.chance(0.04) ? directive('include') : '';
    const skip = random.chance(0.03) ? directive('skip') : '';
    return include + skip;
  }

  #inner(field: AnyField, args: readonly string[], depth: number): string {
    const type = getNamedType(field.type);
    if (isObjectType(type)) {
      if (type.name === 'PageInfo' && field.name === 'pageInfo') return ` ${this.#pageInfo(type)}`;
      return ` ${this.#set(type, depth + 1)}`;
    }
    if (!isAbstractType(type)) return '';
    const possible = this.#schema.getPossibleTypes(type);
    const asked = possible.filter(({ name }) => args.some((arg) => arg.includes(nodePrefix(name))));
    const chosen = this.#random.shuffled(asked.length > 0 ? asked : possible).slice(0, 2);
    const parts = chosen.map((each) => `... on ${each.name} ${this.#set(each, depth + 1)}`);
    if (type.name === 'Node' && this.#random.chance(0.5)) parts.push('nodeId');
    parts.push(this.#typename());
    return ` { ${this.#random.shuffled(parts).join(' ')} }`;
  }

  /** Whether there is more, and the ends, depend on each other: they are selected more often. */
  #pageInfo(type: GraphQLObjectType): string {
    return this.#random.chance(0.4)
      ? '{ startCursor endCursor hasNextPage hasPreviousPage }'
      : this.#set(type, MAX_DEPTH);
  }

  /** Sometimes puts selections into fragments. */
  #decorated(type: GraphQLObjectType, parts: readonly string[]): string {
    const random = this.#random;
    const known = this.#draft.fragmentsOn(type.name);
    const all =
      known.length > 0 && random.chance(0.3) ? [...parts, `...${random.pick(known)}`] : [...parts];
    if (random.chance(0.15)) {
      const from = random.below(all.length);
      const moved = `{ ${all.splice(from).join(' ')} }`;
      const isNode = type.getInterfaces().some(({ name }) => name === 'Node');
      const kind = random.next();
      if (kind < 0.4) all.push(`...${this.#draft.fragment(type.name, moved)}${this.#directives()}`);
      else if (kind < 0.6) all.push(`...${this.#directives()} ${moved}`);
      else if (kind < 0.8 || !isNode) all.push(`... on ${type.name}${this.#directives()} ${moved}`);
      else if (kind < 0.9) all.push(`... on Node { nodeId ... on ${type.name} ${moved} }`);
      else {
        const fragment = this.#draft.fragment(
          'Node',
          `{ __typename ... on ${type.name} ${moved} }`,
        );
        all.push(`...${fragment}`);
      }
    }
    return `{ ${all.join(' ')} }`;
  }

  #arguments(parent: GraphQLObjectType, field: AnyField, depth: number): string[] {
    const random = this.#random;
    const isRoot = parent.name === 'Query';
    const { name: typeName } = getNamedType(field.type);
    const model = typeName.replace(/Connection$/, '');
    if (typeName !== model && field.args.some(({ name }) => name === 'orderBy')) {
      const list = isRoot ? field.name : `${parent.name}.${field.name}`;
      return this.#lists.of(field, list, model, depth);
    }
    return field.args.flatMap(({ name, type, defaultValue }) => {
      const isNeeded = isNonNullType(type) && defaultValue === undefined;
      if (name === 'after' || (!isNeeded && !random.chance(0.4))) return [];
      const write = () => {
        if (name === 'nodeId') return this.#inputs.given(type, () => this.#nodeId());
        if (name === 'nodeIds') {
          return this.#inputs.given(type, () =>
            Array.from({ length: random.below(4) }, () => this.#nodeId()),
          );
        }
        if (name === 'first') return this.#inputs.given(type, () => random.below(5));
        return this.#inputs.argument(type, isRoot && name === 'id' ? { model, column: 'id' } : {});
      };
      return [`${name}: ${write()}`];
    });
  }

  #nodeId(): string {
    const random = this.#random;
    if (random.chance(0.03)) return random.pick(['', 'x', nodePrefix('Campaign'), 'Tm9uZTox']);
    const possible = this.#schema.getPossibleTypes(this.#schema.getType('Node') as never);
    const { name } = random.pick(possible);
    const ids = this.#material.valuesOf(name, 'id');
    return Buffer.from(`${name}:${ids.length > 0 ? random.pick(ids) : 'x'}`).toString('base64');
  }
}

/** The beginning of the ids of a type's rows. */
function nodePrefix(type: string): string {
  const text = `${type}:`;
  return Buffer.from(text.slice(0, text.length - (text.length % 3))).toString('base64');
}
