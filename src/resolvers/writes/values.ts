import type { Column } from '../../generated/catalog.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { columnOf } from '../catalog.ts';
import { limits } from '../limits.ts';
import { prismaArgument } from '../prisma-argument.ts';
import type { Row } from '../rows.ts';
import { jsonProblem, textProblem, valueProblem } from '../value-problem.ts';
import type { MutationError } from './write-errors.ts';

/** A change to a JSON column: a new value, or operations on parts of the stored one. */
export interface JsonChange {
  replace?: unknown;
  patch?: readonly JsonPatchOperation[] | null;
}

/** Sets or removes the value at a path. */
export interface JsonPatchOperation {
  path: readonly string[];
  set?: unknown;
  remove?: boolean | null;
}

/** What changes in a row. */
export interface Changes {
  /** For Prisma. */
  data: Row;
  /** Changes of JSON columns that Prisma cannot express. */
  patches: Record<string, readonly JsonPatchOperation[]>;
}

/**
 * Reads the values of a new row, without the fields that were left out. Problems are collected with
 * their paths. The values are valid only when there are none.
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
    values[name] =
      column.type === 'Json' && value === null ? Prisma.DbNull : prismaArgument(column, value);
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
        continue;
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
  if (column.type === 'Json') return jsonProblem(value);
  const longest = column.nativeType === 'VarChar' ? Number(column.nativeArguments?.[0]) : undefined;
  return (longest && lengthProblem(value as string, longest)) || valueProblem(value);
}

function lengthProblem(text: string, longest: number): string | undefined {
  return text.length > longest && [...text].length > longest
    ? `The text has at most ${longest} characters.`
    : undefined;
}
