import { Prisma } from '../generated/prisma/client.ts';
import type { Comparison, Condition, Input, RelatedRows } from './conditions.ts';
import { exactArgument, jsonArgument, prismaArgument } from './prisma-argument.ts';
import { ONLY_IN_QUERIES, type ReadingOptions, readFilter } from './read-filter.ts';
import { refusal } from './refusal.ts';

/**
 * Translates a client's filter on a model to Prisma's `where`. Throws BAD_USER_INPUT like `readFilter`,
 * and for conditions on measures of related rows, which Prisma cannot express.
 */
export function toWhere(
  model: string,
  filter: Input | null | undefined,
  options?: ReadingOptions,
): object {
  const condition = readFilter(model, filter, options);
  return condition ? rowsFor(condition, { truth: true, orUnknown: false }) : {};
}

/**
 * Returns the columns of a model that a filter reads; for a relation, its foreign key. While these
 * and the related rows stay the same, the result of the filter does not change. Null for an empty
 * filter.
 */
export function filteredColumns(
  model: string,
  filter: Input | null | undefined,
): ReadonlySet<string> | null {
  const condition = readFilter(model, filter);
  return condition && new Set(columnsOf(condition));
}

function columnsOf(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.parts.flatMap(columnsOf);
    case 'not':
      return columnsOf(condition.part);
    case 'comparison':
      return [condition.name];
    case 'related':
    case 'measured':
      return condition.relation.columns;
  }
}

/**
 * The rows for which the condition has this truth value. Prisma's NOT does not treat unknown
 * reliably. So negation is pushed down to the comparisons, where a missing value can be tested for.
 */
interface Sought {
  truth: boolean;
  orUnknown: boolean;
}

// Inside another condition, Prisma treats an empty OR, AND or NOT as always true.
const EVERY_ROW = { id: { notIn: [] } };
const NO_ROW = { id: { in: [] } };

function rowsFor(condition: Condition, sought: Sought): object {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts = condition.parts.map((part) => rowsFor(part, sought));
      const needsAll = (condition.kind === 'and') === sought.truth;
      if (parts.length === 0) return needsAll ? EVERY_ROW : NO_ROW;
      return needsAll ? { AND: parts } : { OR: parts };
    }
    case 'not':
      return rowsFor(condition.part, { ...sought, truth: !sought.truth });
    case 'comparison':
      return comparedRows(condition, sought);
    case 'related':
      return relatingRows(condition, sought);
    case 'measured':
      throw refusal(condition.argument, ONLY_IN_QUERIES);
  }
}

function relatingRows({ name, quantifier, condition }: RelatedRows, sought: Sought): object {
  const truthOf = (part: Sought) => (condition ? rowsFor(condition, part) : everyRow(part.truth));
  switch (quantifier) {
    case 'one':
      // The existence of the row is never unknown. A condition on a missing row always is.
      if (condition) return { [name]: { is: truthOf(sought) } };
      return negatedUnless(sought.truth, { [name]: { is: EVERY_ROW } });
    case 'some':
    case 'none': {
      const isAny = (quantifier === 'some') === sought.truth;
      return { [name]: { [isAny ? 'some' : 'none']: truthOf({ truth: true, orUnknown: false }) } };
    }
    case 'every': {
      // Prisma's own `every` holds where the condition is unknown. Inside of a NOT Prisma's
      // comparisons of JSON hold for values of another type, too, which is what `orUnknown` needs.
      const exception = truthOf({ truth: false, orUnknown: true });
      return { NOT: { [name]: { [sought.truth ? 'some' : 'none']: exception } } };
    }
  }
}

function everyRow(truth: boolean): object {
  return truth ? EVERY_ROW : NO_ROW;
}

function negatedUnless(truth: boolean, where: object): object {
  return truth ? where : { NOT: where };
}

function comparedRows(comparison: Comparison, sought: Sought): object {
  const { name, column, operator, operand } = comparison;
  if (column.type === 'Json') return comparedJson(comparison, sought);
  if (column.isList) return comparedLists(comparison, sought);
  const missing = { [name]: { equals: null } };
  if (operator === 'isNull') return negatedUnless(sought.truth, missing);
  if (operator === 'in' && (operand as unknown[]).length === 0) return everyRow(!sought.truth);
  const rows = negatedUnless(sought.truth, {
    [name]: scalarFilter(operator, prismaArgument(column, operand)),
  });
  return sought.orUnknown && !column.isRequired ? { OR: [rows, missing] } : rows;
}

function scalarFilter(operator: string, operand: unknown): object {
  switch (operator) {
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return { [operator]: escapeLike(operand as string), mode: 'insensitive' };
    default:
      return { [operator]: operand };
  }
}

/**
 * A list that is null is compared like an empty one, so a comparison of lists is never unknown.
 */
function comparedLists({ name, operator, operand }: Comparison, { truth }: Sought): object {
  const rows = negatedUnless(truth, { [name]: { [operator]: operand } });
  const isTrueOfEmpty =
    operator === 'isEmpty' ||
    ((operator === 'equals' || operator === 'hasEvery') && (operand as unknown[]).length === 0);
  return isTrueOfEmpty === truth ? { OR: [rows, { [name]: { equals: null } }] } : rows;
}

function comparedJson({ name, operator, operand, path }: Comparison, sought: Sought): object {
  const at = path.length > 0 ? { path } : {};
  const missing = { [name]: { ...at, equals: Prisma.AnyNull } };
  if (operator === 'isNull') return negatedUnless(sought.truth, missing);
  const rows = negatedUnless(sought.truth, { [name]: jsonFilter(operator, operand, path) });
  if (sought.orUnknown) return { OR: [rows, missing] };
  // Prisma treats JSON's null as a value, clients as a missing one.
  return sought.truth ? rows : { AND: [rows, { NOT: missing }] };
}

function jsonFilter(operator: string, operand: unknown, path: readonly string[]): object {
  const at = path.length > 0 ? { path } : {};
  // Without a path Prisma compares the JSON as text, in SQL that Postgres partly refuses.
  const text = { path, mode: 'insensitive' };
  switch (operator) {
    case 'contains':
      return { ...text, string_contains: escapeLike(operand as string) };
    case 'startsWith':
      return { ...text, string_starts_with: escapeLike(operand as string) };
    case 'has':
      return { ...at, array_contains: jsonArgument([operand]) };
    case 'equals':
      return { ...at, equals: jsonArgument(operand) };
    default:
      return { ...at, [operator]: exactArgument(operand) };
  }
}

/** Returns a text for LIKE, in which a client's % and _ have no special meaning: Prisma escapes none. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
