import {
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { uuidOf } from '../../prisma/seed/random.ts';
import { catalog } from '../../src/generated/catalog.ts';
import { searchedModels } from '../../src/resolvers/search.ts';
import type { Random } from '../torture/random.ts';
import { PROBE } from './rows.ts';
import type { FuzzWorld, Ids } from './world.ts';

/** The use of a value: a column or an argument, with its model if known. */
export interface Purpose {
  model?: string | undefined;
  name: string;
}

const SUFFIX =
  /(Filter|RelationFilter|Key|CreateInput|UpdateInput|GroupBy|GroupOrderBy|RowOrder|CompareTo|OrderBy|Having(Values|Distinct|Between)?)$/;
/** Objects of which only some fields are set. */
const PARTIAL = /(Filter|Key|UpdateInput)$/;
const UUID = /^[0-9a-f]{8}-/;
const PERSON = /^(user|person|createdBy|actor)|By(Id)?$|user(Id)?$/i;

const SCALARS: Record<string, readonly unknown[]> = {
  Int: [0, 1, 2, 5, 50, 100],
  Float: [0, 0.5, 1, 2.5],
  Boolean: [true, false],
  BigInt: ['0', '1', '2', '100'],
  Decimal: ['0', '0.5', '1', '50', '99.5'],
  Date: ['2026-01-02', '2026-01-03', '2026-01-04', '2099-01-02', '2026-11-30'],
  DateTime: ['2026-01-02T03:04:05.678Z', '2026-01-04T03:04:05.678Z', '2099-01-02T03:04:05.678Z'],
  URL: ['https://example.com/1', 'https://example.com/url/0'],
  JSON: [{}, { a: 1 }, { a: 0.5, b: 0.5 }, [], 1, 'one', true],
};

/** Generates values of input types that are meaningful in both workspaces. */
export class Values {
  readonly #world: FuzzWorld;
  readonly #random: Random;

  constructor(world: FuzzWorld, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** An id of a model's row: of our workspace, the other one or none; of any model, if none is given. */
  id(model: string | undefined): string {
    const { ids } = this.#world;
    const random = this.#random;
    if (random.chance(0.08)) return uuidOf(`nobody ${random.below(1_000)}`);
    // Ids of dictionaries are names.
    const uuids = [...ids].filter(
      ([
        ,
        {
          shared: [id = ''],
        },
      ]) => id === '' || UUID.test(id),
    );
    const found = ids.get(model ?? random.pick(uuids)[0]);
    const { ours, theirs, shared }: Ids = found ?? { ours: [], theirs: [], shared: [] };
    const lists = [ours, ours, theirs, theirs, shared].filter((list) => list.length > 0);
    return lists.length > 0 ? random.pick(random.pick(lists)) : uuidOf('nobody');
  }

  /** A value of a type. */
  value(type: GraphQLInputType, purpose: Purpose, depth = 0): unknown {
    const random = this.#random;
    if (isNonNullType(type)) return this.value(type.ofType, purpose, depth);
    if (isListType(type)) {
      const length = depth > 2 ? 1 : 1 + random.below(2);
      return Array.from({ length: random.chance(0.05) ? 0 : length }, () =>
        this.value(type.ofType, purpose, depth + 1),
      );
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const fields = Object.entries(type.getFields());
      const chosen = this.#chosen(type.name, type.isOneOf, fields, depth);
      return Object.fromEntries(
        chosen.map(([name, field]) => {
          const mayBeNull = !type.isOneOf && !isNonNullType(field.type);
          const value = this.value(field.type, within(type.name, name, purpose), depth + 1);
          return [name, mayBeNull && random.chance(0.02) ? null : value];
        }),
      );
    }
    if (type.name === 'UUID') return this.id(targetOf(purpose));
    if (type.name === 'String') return this.#text(purpose);
    return random.pick(SCALARS[type.name] ?? [null]);
  }

  #chosen<F extends { type: GraphQLInputType }>(
    name: string,
    isOneOf: boolean,
    fields: [string, F][],
    depth: number,
  ): [string, F][] {
    const random = this.#random;
    if (isOneOf) return [random.pick(fields)];
    if (/OrderBy$/.test(name)) return this.#ordered(name, fields);
    if (PARTIAL.test(name)) {
      const isSimple = ([field]: [string, F]) => !/^(and|or|not)$/.test(field);
      const able = depth > 3 ? fields.filter(isSimple) : fields;
      const count = depth > 0 || random.chance(0.6) ? 1 : 2;
      return random.shuffled(able).slice(0, count);
    }
    return fields.filter(
      ([field, { type }]) =>
        isNonNullType(type) || (field !== 'nulls' && random.chance(depth > 1 ? 0.05 : 0.15)),
    );
  }

  /** The fields of an order: by one thing, mostly, and how. */
  #ordered<F extends { type: GraphQLInputType }>(
    name: string,
    fields: [string, F][],
  ): [string, F][] {
    const random = this.#random;
    const how = ['direction', 'nulls', 'filter', 'until', 'of', 'at'];
    const by = fields.filter(([field]) => !how.includes(field));
    const of = fields.filter(([field]) => field === 'of');
    const [chosen] = random.shuffled(by);
    const isByField = name.endsWith('GroupOrderBy') || random.chance(0.5);
    const [first] = isByField ? by.filter(([field]) => /^(field|count)$/.test(field)) : [];
    const more = fields.filter(([field]) => field !== 'of' && how.includes(field));
    const picked = first && random.chance(0.7) ? first : chosen;
    return [
      ...(picked ? [picked] : []),
      ...(picked?.[0] === 'statistic' ? of : []),
      ...more.filter(() => random.chance(0.15)),
    ];
  }

  /** One whose texts a search finds, with a slip at times. */
  #searchedColumn(): string {
    const { name, searched } = this.#random.pick([...searchedModels.values()]);
    const column = columnOf(name, this.#random.pick(searched));
    return this.#random.chance(0.2) ? column.slice(0, 2) + column.slice(3) : column;
  }

  #text({ model, name }: Purpose): string {
    const random = this.#random;
    const isId = name === 'id' && model && this.#world.ids.get(model);
    if (isId) return this.id(model);
    // A slug is unique across workspaces by design, so it would reveal theirs.
    if (/slug/i.test(name)) return random.pick(['ours', 'a-slug', 'another']);
    const column = model === 'Search' ? this.#searchedColumn() : columnOf(model, name);
    return random.pick([
      `${column} ${random.below(3)}`,
      `${column} ${random.below(3)}`,
      `agent_name ${random.below(5)}`,
      `person${random.below(9)}@example.com`,
      `invited${random.below(4)}@example.com`,
      PROBE,
      column,
      'one',
      'a',
      '',
    ]);
  }
}

/** The database's name of a column, which determines its texts. */
function columnOf(model: string | undefined, name: string): string {
  return (model && catalog.models[model]?.columns[name]?.column) || name;
}

/** The use of a field of an input object. */
function within(holder: string, name: string, purpose: Purpose): Purpose {
  const model = modelOf(holder);
  // The operators of a column: their operands are values of the column.
  if (!model && purpose.model && /Filter$/.test(holder)) return purpose;
  return { model: model ?? purpose.model, name };
}

/** The model that an input type is about. */
function modelOf(inputType: string): string | undefined {
  const name = inputType.replace(SUFFIX, '').replace(/^(.+?)In[A-Z].*Input$/, '$1');
  return name in catalog.models ? name : undefined;
}

/** The model whose ids a column or an argument takes. */
function targetOf({ model, name }: Purpose): string | undefined {
  if (name === 'id' || name === 'ids') return model;
  if (name === 'workspaceId') return 'Workspace';
  const relations = Object.values((model && catalog.models[model]?.relations) || {});
  const relation = relations.find(({ columns }) => columns.includes(name));
  if (relation) return relation.to;
  if (PERSON.test(name)) return 'UserProfile';
  const bare = name.replace(/Ids?$/, '').toLowerCase();
  const models = Object.keys(catalog.models);
  return (
    models.find((each) => each.toLowerCase().endsWith(bare)) ??
    models.find((each) => bare.endsWith(each.toLowerCase()))
  );
}
