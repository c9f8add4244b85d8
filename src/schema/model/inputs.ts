import type { EnumRef, InputTypeParam } from '@pothos/core';
import type { Column } from '../../generated/catalog.ts';
import { article, columnOf, modelOf, relationOf } from '../../resolvers/catalog.ts';
import { isOrderable } from '../../resolvers/ordering.ts';
import { builder, type Types } from '../builder.ts';
import { type AnyInput, inputRef, inputType } from './any-model.ts';
import { type ColumnType, columnType, operandType, upperSnake } from './columns.ts';
import { described } from './fields.ts';

type Operand = { type: InputTypeParam<Types>; description?: string };

const EQUALITY = ['equals', 'not'];
const COMPARISON = ['lt', 'lte', 'gt', 'gte'];
const LISTS = ['in', 'notIn'];

/** The operators of a type, except those for text and for missing values. */
function operatorsOf(type: ColumnType): readonly string[] {
  if (type === 'Boolean') return EQUALITY;
  if (type === 'UUID' || typeof type !== 'string') return [...EQUALITY, ...LISTS];
  return [...EQUALITY, ...LISTS, ...COMPARISON];
}
const DESCRIPTIONS: Record<string, string> = {
  not: 'Another value; rows without a value do not match.',
  isNull: 'True for rows without a value, false for the others.',
  contains: 'Contains this text, ignoring case.',
  startsWith: 'Begins with this text, ignoring case.',
  endsWith: 'Ends with this text, ignoring case.',
  has: 'Has this item.',
  hasSome: 'Has at least one of these items.',
  hasEvery: 'Has all of these items.',
  isEmpty: 'True for empty lists, false for the others.',
  path: 'Compares the value at this path: names of keys, and positions in arrays as numbers in strings.',
};

const HAS_IN_JSON =
  'Is a list with an item that contains this: an equal text, number or Boolean, an object with at least these keys and values, or a list with at least these items.';

const filters = new Map<string, AnyInput>();

function comparisonInput(
  name: string,
  description: string,
  operands: Record<string, Operand>,
): AnyInput {
  let input = filters.get(name);
  if (!input) {
    input = inputType(name, {
      description,
      fields: (t) =>
        Object.fromEntries(
          Object.entries(operands).map(([operator, { type, description }]) => [
            operator,
            t.field({
              type,
              ...described(description ?? DESCRIPTIONS[operator]),
            }),
          ]),
        ),
    });
    filters.set(name, input);
  }
  return input;
}

/** The comparisons that a column offers. */
export function columnFilter(name: string, column: Column): AnyInput {
  const type = columnType(name, column);
  const typeName = typeof type === 'string' ? type : column.type;
  if (column.isList) {
    return comparisonInput(
      `${typeName}ListFilter`,
      `Comparisons of a list of ${typeName}; all of them must hold.`,
      {
        equals: { type: [type] },
        has: { type },
        hasSome: { type: [type] },
        hasEvery: { type: [type] },
        isEmpty: { type: 'Boolean' },
      },
    );
  }
  if (type === 'JSON') {
    return comparisonInput(
      'JSONFilter',
      'Comparisons of a JSON value, or of a part of it; all of them must hold.',
      {
        path: { type: ['String'] },
        equals: { type },
        not: { type },
        lt: { type },
        lte: { type },
        gt: { type },
        gte: { type },
        contains: { type: 'String' },
        startsWith: { type: 'String' },
        has: { type, description: HAS_IN_JSON },
        isNull: { type: 'Boolean' },
      },
    );
  }
  const text = type === 'String' || type === 'URL';
  const operands: Record<string, Operand> = Object.fromEntries(
    operatorsOf(type).map((operator) => [
      operator,
      { type: LISTS.includes(operator) ? [operandType(type)] : operandType(type) },
    ]),
  );
  for (const operator of text ? ['contains', 'startsWith', 'endsWith'] : [])
    operands[operator] = { type: 'String' };
  if (!column.isRequired) operands.isNull = { type: 'Boolean' };
  const prefix = column.isRequired ? '' : 'Nullable';
  return comparisonInput(
    `${prefix}${typeName}Filter`,
    `Comparisons of ${article(typeName)}${column.isRequired ? '' : ' that may be missing'}; all of them must hold.`,
    operands,
  );
}

/** The filter over a model's rows; `columns` and `relations` are those that the API shows. */
export function filterInput(model: string): AnyInput {
  return inputRef(`${model}Filter`);
}

/** Conditions on groups of a model's rows, or on all rows of a relation. */
export function havingInput(model: string): AnyInput {
  return inputRef(`${model}Having`);
}

/** An order by a measure of a model's rows. */
export function groupOrderByInput(model: string): AnyInput {
  return inputRef(`${model}GroupOrderBy`);
}

const relationFilters = new Map<string, AnyInput>();

/** The filter over a to-many relation. */
function relationFilter(model: string): AnyInput {
  let input = relationFilters.get(model);
  if (!input) {
    const filter = filterInput(model);
    input = inputType(`${model}RelationFilter`, {
      description: 'Conditions on related rows that the viewer may see.',
      fields: (t) => ({
        some: t.field({ type: filter, description: 'At least one of them matches.' }),
        every: t.field({
          type: filter,
          description: 'All of them match, or there are none.',
        }),
        none: t.field({ type: filter, description: 'None of them matches.' }),
        aggregate: t.field({
          type: havingInput(model),
          description: 'They meet these conditions together, such as { count: { gt: 3 } }.',
        }),
      }),
    });
    relationFilters.set(model, input);
  }
  return input;
}

/** Gives a model's filter its fields. */
export function implementFilter(
  model: string,
  columns: readonly string[],
  relations: readonly string[],
): void {
  const _described = modelOf(model);
  const filter = filterInput(model);
  inputType(filter, {
    description: `Conditions on ${article(model)}; all of them must hold. Conditions on relations go one level deep.`,
    fields: (t) => ({
      and: t.field({ type: [filter], description: 'All of these hold.' }),
      or: t.field({ type: [filter], description: 'At least one of these holds.' }),
      not: t.field({ type: filter, description: 'This does not hold.' }),
      ...Object.fromEntries(
        columns.map((name) => [name, t.field({ type: columnFilter(name, columnOf(model, name)) })]),
      ),
      ...Object.fromEntries(
        relations.map((name) => {
          const { to, isList } = relationOf(model, name);
          return [name, t.field({ type: isList ? relationFilter(to) : filterInput(to) })];
        }),
      ),
    }),
  });
}

export const direction = builder.enumType('OrderDirection', {
  values: { ASC: { value: 'asc' as const }, DESC: { value: 'desc' as const } },
});
export const nulls = builder.enumType('NullsOrder', {
  description: 'Where rows without a value are placed.',
  values: { FIRST: { value: 'first' as const }, LAST: { value: 'last' as const } },
});

interface Orderable {
  columns: readonly string[];
  field: EnumRef<Types, unknown>;
}

const orderables = new Map<string, Orderable>();

function orderableOf(model: string): Orderable {
  const found = orderables.get(model);
  if (!found) throw new TypeError(`${model} has no order: define it with orderByInput() first`);
  return found;
}

/** The columns of a model that have an order. */
export function orderField(model: string): EnumRef<Types, unknown> {
  return orderableOf(model).field;
}

/** What the lists of a model can be ordered by. */
export interface OrderedBy {
  columns: readonly string[];
  /** To-one and to-many relations. */
  relations: readonly string[];
}

/** The order of a model's lists: one entry a column or relation, the first one leads. */
export function orderByInput(model: string, { columns, relations }: OrderedBy): AnyInput {
  const orderable = columns.filter((name) => isOrderable(columnOf(model, name)));
  const field: EnumRef<Types, unknown> = builder.enumType(`${model}OrderField`, {
    description: `The columns by which a list of ${model} can be ordered.`,
    values: Object.fromEntries(orderable.map((name) => [upperSnake(name), { value: name }])),
  });
  orderables.set(model, { columns: orderable, field });
  return inputType(`${model}OrderBy`, {
    description:
      'A column, or a relation, to order by. Rows that are equal in all of these are ordered by id.',
    fields: (t) => ({
      field: t.field({ type: field }),
      direction: t.field({ type: direction, defaultValue: 'asc' }),
      nulls: t.field({ type: nulls, defaultValue: 'last' }),
      ...Object.fromEntries(
        relations.map((name) => {
          const { to, isList } = relationOf(model, name);
          return [name, t.field({ type: isList ? groupOrderByInput(to) : rowOrderInput(to) })];
        }),
      ),
    }),
  });
}

const rowOrders = new Map<string, AnyInput>();

/** The order by a column of the row of a to-one relation. */
function rowOrderInput(model: string): AnyInput {
  let input = rowOrders.get(model);
  if (!input) {
    const { columns } = orderableOf(model);
    input = inputType(`${model}RowOrder`, {
      description: `The column of ${article(model)} to order by.`,
      isOneOf: true,
      fields: (t) =>
        Object.fromEntries(columns.map((name) => [name, t.field({ type: direction })])),
    });
    rowOrders.set(model, input);
  }
  return input;
}
