import type { Column } from '../../generated/catalog.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { columnOf } from '../catalog.ts';
import { limits } from '../limits.ts';
import type { Row } from '../rows.ts';
import type { MutationError } from './errors.ts';

/** A change to a JSON column: a new value, or operations on parts of the stored one. */
export interface JsonChange {
  replace?: unknown;
  patch?: readonly JsonPatchOperation[] | null;
}

/** Sets or removes what is at a path. */
export interface JsonPatchOperation {
  path: readonly string[];
  set?: unknown;
  remove?: boolean | null;
}

/** What changes in a row. */
export interface Changes {
  /** For Prisma. */
  data: Row;
  /** Changes of JSON columns that Prisma has no words for. */
  patches: Record<string, readonly JsonPatchOperation[]>;
}

const MIN_BIGINT = -(2n ** 63n);
const MAX_BIGINT = 2n ** 63n - 1n;

/**
 * Reads the values of a new row. Fields that were left out are left out. Problems are collected
 * with their paths; the values are of use only when there are none.
 */
export function readValues(
  model: string,
  input: Row,
  path: readonly string[],
  problems: MutationError[],
): Row {
  const values: Row = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const column = columnOf(model, name);
    const problem = problemOf(column, value);
    if (problem) problems.push({ code: 'VALIDATION', message: problem, path: [...path, name] });
    values[name] = column.type === 'Json' && value === null ? Prisma.DbNull : value;
  }
  return values;
}

/** Reads the changes to a row in the same way; null clears. */
export function readChanges(
  model: string,
  input: Row,
  path: readonly string[],
  problems: MutationError[],
): Changes {
  const patches: Changes['patches'] = {};
  const values: Row = {};
  for (const [name, given] of Object.entries(input)) {
    const json = columnOf(model, name).type === 'Json' && given ? (given as JsonChange) : undefined;
    if (json?.patch) {
      patches[name] = json.patch;
      if (json.patch.length > limits.maxListItems) {
        problems.push({
          code: 'VALIDATION',
          message: `A patch has at most ${limits.maxListItems} operations.`,
          path: [...path, name, 'patch'],
        });
      }
      for (const [i, operation] of json.patch.entries()) {
        problems.push(...problemsOfPatch(operation, [...path, name, 'patch', String(i)]));
      }
    } else {
      values[name] = json ? json.replace : given;
    }
  }
  return { data: readValues(model, values, path, problems), patches };
}

function problemsOfPatch({ path, set, remove }: JsonPatchOperation, at: string[]): MutationError[] {
  const messages = [
    path.length === 0 || path.length > limits.maxJsonDepth
      ? `A path has 1 to ${limits.maxJsonDepth} steps.`
      : undefined,
    (set === undefined) === !remove ? 'Give either "set" or "remove: true".' : undefined,
    textProblem(path.join('')),
    jsonProblem(set),
  ];
  return messages
    .filter((message) => message !== undefined)
    .map((message) => ({ code: 'VALIDATION', message, path: at }));
}

/** Returns what is wrong with a value for a column, undefined when nothing is. */
export function problemOf(column: Column, value: unknown): string | undefined {
  if (value === null)
    return column.isRequired || column.isList ? 'A value is required.' : undefined;
  if (!column.isList) return itemProblem(column, value);
  const items = value as readonly unknown[];
  if (items.length > limits.maxListItems) return `A list has at most ${limits.maxListItems} items.`;
  for (const item of items) {
    const problem = itemProblem(column, item);
    if (problem) return problem;
  }
  return undefined;
}

function itemProblem(column: Column, value: unknown): string | undefined {
  if (column.kind === 'enum') return undefined;
  switch (column.type) {
    case 'String':
      return stringProblem(column, value as string);
    case 'BigInt':
      return (value as bigint) < MIN_BIGINT || (value as bigint) > MAX_BIGINT
        ? 'The number does not fit into 64 bits.'
        : undefined;
    case 'Float':
      return Number.isFinite(value) ? undefined : 'The number is too large.';
    case 'DateTime': {
      const year = (value as Date).getUTCFullYear();
      return year < 1 || year > 9999 ? 'The year must be between 1 and 9999.' : undefined;
    }
    case 'Json':
      return jsonProblem(value);
    default:
      return undefined;
  }
}

function stringProblem({ nativeType, nativeArguments }: Column, text: string): string | undefined {
  const longest = nativeType === 'VarChar' ? Number(nativeArguments?.[0]) : Number.NaN;
  if (text.length > longest && [...text].length > longest) {
    return `The text has at most ${longest} characters.`;
  }
  return textProblem(text);
}

function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'A text cannot contain the character U+0000.';
  return /\p{Surrogate}/u.test(text) ? 'The text is not well-formed Unicode.' : undefined;
}

function jsonProblem(value: unknown, depth = 0): string | undefined {
  if (depth > limits.maxJsonDepth) return `JSON nests at most ${limits.maxJsonDepth} levels.`;
  if (typeof value === 'string') return textProblem(value);
  if (typeof value === 'number' && !Number.isFinite(value))
    return 'A number is too large for JSON.';
  if (value === null || typeof value !== 'object') return undefined;
  for (const [key, item] of Object.entries(value)) {
    const problem = textProblem(key) ?? jsonProblem(item, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}
