import { GatewayError } from '../context/errors.ts';
import type { Column, Relation } from '../generated/catalog.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { modelOf } from './catalog.ts';
import { limits } from './limits.ts';
import { valueProblem } from './value-problem.ts';

type Input = Record<string, unknown>;

/**
 * Translates a client's filter on a model to Prisma's `where`. Throws BAD_USER_INPUT with the path
 * of the part that is too deep, too long, or null (which could mean "no filter" as well as "is
 * null": the operator for that is `isNull`).
 */
export function toWhere(model: string, filter: Input | null | undefined, path = 'filter'): object {
  if (filter == null) return {};
  return new Translation().model(model, filter, path, { depth: 0, throughRelation: false });
}

/**
 * Returns the columns of a model that a filter looks at, those of a relation being its foreign key:
 * while they stay the same, and so do related rows, a row keeps matching or not.
 */
export function filteredColumns(
  model: string,
  filter: Input | null | undefined,
  found = new Set<string>(),
): ReadonlySet<string> {
  const { columns, relations } = modelOf(model);
  for (const [name, value] of Object.entries(filter ?? {})) {
    if (name === 'and' || name === 'or' || name === 'not') {
      for (const part of [value].flat()) filteredColumns(model, part as Input, found);
    } else if (columns[name]) {
      found.add(name);
    } else {
      for (const column of relations[name]?.columns ?? []) found.add(column);
    }
  }
  return found;
}

// Prisma takes an empty OR, AND or NOT inside of another condition for one that always holds.
const EVERY_ROW = { id: { notIn: [] } };
const NO_ROW = { id: { in: [] } };

interface Place {
  depth: number;
  throughRelation: boolean;
}

class Translation {
  #conditions = 0;

  model(model: string, filter: Input, path: string, place: Place): object {
    if (place.depth > limits.maxFilterDepth) {
      throw refusal(
        path,
        `A filter nests at most ${limits.maxFilterDepth} levels of and, or and not.`,
      );
    }
    const { columns, relations } = modelOf(model);
    const deeper = { ...place, depth: place.depth + 1 };
    const conditions = given(filter, path).map(([name, value]) => {
      const at = `${path}.${name}`;
      if (name === 'and' || name === 'or') {
        const parts = (value as Input[]).map((part, i) =>
          this.model(model, part, `${at}[${i}]`, deeper),
        );
        if (parts.length === 0) return name === 'or' ? NO_ROW : EVERY_ROW;
        return { [name.toUpperCase()]: parts };
      }
      if (name === 'not') return { NOT: this.model(model, value as Input, at, deeper) };
      const column = columns[name];
      if (column) return this.column(name, column, value as Input, at);
      return this.relation(name, relations[name] as Relation, value as Input, at, place);
    });
    return conditions.length === 0 ? EVERY_ROW : { AND: conditions };
  }

  private relation(
    name: string,
    relation: Relation,
    value: Input,
    path: string,
    place: Place,
  ): object {
    if (place.throughRelation) {
      throw refusal(path, 'A filter reaches one relation far, not further.');
    }
    const inside = { ...place, throughRelation: true };
    if (!relation.isList) {
      return { [name]: { is: this.model(relation.to, value, path, inside) } };
    }
    const quantified = given(value, path).map(([quantifier, filter]) => [
      quantifier,
      this.model(relation.to, filter as Input, `${path}.${quantifier}`, inside),
    ]);
    return quantified.length === 0 ? EVERY_ROW : { [name]: Object.fromEntries(quantified) };
  }

  private column(name: string, column: Column, operators: Input, path: string): object {
    const entries = given(operators, path);
    this.#conditions += entries.length;
    if (this.#conditions > limits.maxFilterConditions) {
      throw refusal(path, `A filter has at most ${limits.maxFilterConditions} comparisons.`);
    }
    for (const [operator, operand] of entries) bound(`${path}.${operator}`, operand);
    if (entries.length === 0) return EVERY_ROW;
    if (column.type === 'Json') return json(name, Object.fromEntries(entries), path);
    return {
      AND: entries.map(([operator, operand]) => comparison(name, column, operator, operand)),
    };
  }
}

function comparison(name: string, column: Column, operator: string, operand: unknown): object {
  switch (operator) {
    case 'isNull':
      return { [name]: operand ? { equals: null } : { not: null } };
    // An array that is null reads as an empty list, so it is found as one.
    case 'isEmpty':
      return operand
        ? { OR: [{ [name]: { isEmpty: true } }, { [name]: { equals: null } }] }
        : { [name]: { isEmpty: false } };
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return { [name]: { [operator]: escapeLike(operand as string), mode: 'insensitive' } };
    case 'not':
      return column.isList
        ? { NOT: { [name]: { equals: operand } } }
        : { [name]: { not: operand } };
    default:
      return { [name]: { [operator]: operand } };
  }
}

function json(name: string, { isNull, path, ...operators }: Input, place: string): object {
  const at = path ? { path } : {};
  // Without a path Prisma compares the JSON's source, in SQL that Postgres refuses in part.
  const text = { path: path ?? [], mode: 'insensitive' };
  const conditions: object[] = Object.entries(operators).map(([operator, operand]) => {
    switch (operator) {
      case 'contains':
        return { [name]: { ...text, string_contains: escapeLike(operand as string) } };
      case 'startsWith':
        return { [name]: { ...text, string_starts_with: escapeLike(operand as string) } };
      case 'has':
        return { [name]: { ...at, array_contains: [operand] } };
      case 'lt':
      case 'lte':
      case 'gt':
      case 'gte':
        if (typeof operand !== 'number' && typeof operand !== 'string') {
          throw refusal(`${place}.${operator}`, 'Only numbers and texts have an order.');
        }
        return { [name]: { ...at, [operator]: operand } };
      default:
        return { [name]: { ...at, [operator]: operand } };
    }
  });
  if (isNull !== undefined) {
    const absent = { [name]: { ...at, equals: Prisma.AnyNull } };
    conditions.push(isNull ? absent : { NOT: absent });
  }
  return conditions.length === 0 ? EVERY_ROW : { AND: conditions };
}

/** The fields that the client filled in; a null is refused. */
function given(input: Input, path: string): [string, unknown][] {
  return Object.entries(input).filter(([name, value]) => {
    if (value === null) {
      throw refusal(
        `${path}.${name}`,
        'A filter takes no null: leave the field out, or use isNull.',
      );
    }
    return value !== undefined;
  });
}

function bound(path: string, operand: unknown, depth = 0): void {
  if (depth > limits.maxJsonDepth) {
    throw refusal(path, `JSON nests at most ${limits.maxJsonDepth} levels.`);
  }
  if (Array.isArray(operand)) {
    if (operand.length > limits.maxFilterValues) {
      throw refusal(path, `A filter lists at most ${limits.maxFilterValues} values.`);
    }
    for (const [i, value] of operand.entries()) bound(`${path}[${i}]`, value, depth + 1);
    return;
  }
  if (typeof operand === 'string' && operand.length > limits.maxFilterStringLength) {
    throw refusal(path, `A filter's text has at most ${limits.maxFilterStringLength} characters.`);
  }
  // No column stores such a value, so no row can match.
  const problem = valueProblem(operand);
  if (problem) throw refusal(path, problem);
  if (operand !== null && typeof operand === 'object' && !(operand instanceof Date)) {
    for (const [name, value] of Object.entries(operand)) {
      bound(path, name);
      bound(`${path}.${name}`, value, depth + 1);
    }
  }
}

/** Prisma hands patterns to LIKE as they are; a client's % and _ stand for themselves. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

function refusal(path: string, message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `${message} (${path})`, { argument: path });
}
