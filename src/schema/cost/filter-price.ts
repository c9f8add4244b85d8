import type { Column } from '../../generated/catalog.ts';
import { modelOf } from '../../resolvers/catalog.ts';
import { weights } from './weights.ts';

/** What a filter costs, in points. */
export interface FilterPrice {
  /** For reading and sending its conditions and values. */
  given: number;
  /** For applying it to all rows of a list. */
  scan: number;
}

const TEXT = new Set(['contains', 'startsWith', 'endsWith']);

/** Returns the price of a filter on a model. Accepts anything that the schema accepts. */
export function filterPrice(model: string, filter: unknown): FilterPrice {
  const price = { given: 0, scan: 0 };
  addModel(price, model, filter);
  return price;
}

/** Returns the price of the related rows that a list is ordered by. Accepts anything that the schema accepts. */
export function orderPrice(model: string, orderBy: unknown): FilterPrice {
  const price = { given: 0, scan: 0 };
  for (const [, entry] of entriesOf(orderBy)) {
    for (const [name, related] of entriesOf(entry)) {
      const relation = modelOf(model).relations[name];
      if (relation?.isList) addMeasured(price, relation.to, related);
      else if (relation && related) addRelation(price, relation.to, {});
    }
  }
  return price;
}

function addModel(price: FilterPrice, model: string, filter: unknown): void {
  const { columns, relations } = modelOf(model);
  for (const [name, value] of entriesOf(filter)) {
    const [column, relation] = [columns[name], relations[name]];
    if (name === 'not') addModel(price, model, value);
    else if (Array.isArray(value)) for (const part of value) addModel(price, model, part);
    else if (column) addColumn(price, column, value);
    else if (relation?.isList) {
      for (const [quantifier, related] of entriesOf(value)) {
        if (quantifier === 'aggregate') addMeasured(price, relation.to, related);
        else addRelation(price, relation.to, related);
      }
    } else if (relation) addRelation(price, relation.to, value);
  }
}

function addRelation(price: FilterPrice, to: string, filter: unknown): void {
  price.given += weights.condition.given;
  price.scan += weights.condition.relation;
  addModel(price, to, filter);
}

/** The rows of a relation, all of which are read for each row. */
function addMeasured(price: FilterPrice, to: string, measured: unknown): void {
  if (typeof measured !== 'object' || measured === null) return;
  const { filter, ...measures } = measured as { filter?: unknown };
  price.given += weights.condition.given + weights.condition.value * sizeOf(measures);
  price.scan += weights.condition.measured;
  addModel(price, to, filter);
}

function addColumn(price: FilterPrice, { type }: Column, operators: unknown): void {
  const { given, value, plain, text, character, json } = weights.condition;
  for (const [operator, operand] of entriesOf(operators)) {
    price.given += given + value * sizeOf(operand);
    price.scan += type === 'Json' ? json : plain;
    if (TEXT.has(operator)) price.scan += text + character * String(operand).length;
  }
}

/** How many values it contains. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const parts = Object.values(value);
  return parts.length === 0 ? 1 : parts.reduce((sum: number, part) => sum + sizeOf(part), 0);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
