import { coerceInputValue, type GraphQLField, type GraphQLSchema } from 'graphql';
import { exportedGroups } from '../../aggregate/exported-groups.ts';
import {
  type AggregateArguments,
  EXPORTED_GROUPS,
  readAggregate,
} from '../../aggregate/read-aggregate.ts';
import { explained } from '../../aggregate/run-aggregate.ts';
import { models } from '../../models/index.ts';
import { columnOf } from '../../resolvers/catalog.ts';
import type { Input } from '../../resolvers/conditions.ts';
import { limits } from '../../resolvers/limits.ts';
import type { OrderBy } from '../../resolvers/ordering.ts';
import { readFilter } from '../../resolvers/read-filter.ts';
import { orderingsOf } from '../../resolvers/read-ordering.ts';
import { isGuarded } from '../../resolvers/secrets.ts';
import { listStatement } from '../../sql/list-statement.ts';
import { assertBounded } from '../variables.ts';
import { type Asked, refused } from './export-request.ts';
import type { FileColumn } from './file-format.ts';
import { readMeasures } from './measures.ts';

/** What is written into a file: the statement for its rows, and what these become. */
export interface ExportedTable {
  statement: { text: string; values: unknown[] };
  columns: readonly FileColumn[];
  /** Returns the cells of rows of the statement. */
  cellsOf(rows: readonly unknown[][]): readonly unknown[][];
  /** Returns the error for clients of a statement that failed. */
  explained(error: unknown): unknown;
}

/** A list, or the aggregate beside it. */
export interface ExportedList {
  /** The model of its rows. */
  model: string;
  /** That of Query. */
  field: GraphQLField<unknown, unknown>;
  isAggregate: boolean;
}

const SUFFIX = 'Aggregate';
const MODELS = new Map([...models.values()].map(({ root, name }) => [root, name]));
const LIST_ARGUMENTS = ['filter', 'orderBy'];

/** Returns the list that a field of Query is, undefined for any other. */
export function exportedList(schema: GraphQLSchema, name: string): ExportedList | undefined {
  const field = schema.getQueryType()?.getFields()[name];
  const ofRows = MODELS.get(name);
  const ofGroups = name.endsWith(SUFFIX) && MODELS.get(name.slice(0, -SUFFIX.length));
  const model = ofRows || ofGroups;
  return field && model ? { model, field, isAggregate: !ofRows } : undefined;
}

/** Returns what is asked of a list. Throws BAD_USER_INPUT with the parameter that is wrong. */
export function exportedTable(
  schema: GraphQLSchema,
  { model, field, isAggregate }: ExportedList,
  asked: Asked,
): ExportedTable {
  if (!isAggregate) {
    const { columns, ...others } = asked;
    const args = coerced(field, LIST_ARGUMENTS, 'columns', others);
    return listTable(model, readColumns(model, columns), args);
  }
  const { measures = 'count', ...others } = asked;
  const all = field.args.map((argument) => argument.name);
  const args: AggregateArguments = coerced(field, all, 'measures', others);
  const selected = readMeasures(schema, field, measures);
  const aggregate = readAggregate(model, args, selected, EXPORTED_GROUPS);
  const groups = exportedGroups(aggregate, selected);
  refuseEqualNames(groups.columns);
  return { ...groups, explained: (error) => explained(error, aggregate) };
}

function listTable(
  model: string,
  columns: readonly string[],
  args: { filter?: Input | null; orderBy?: readonly OrderBy[] | null },
): ExportedTable {
  if ((args.orderBy?.length ?? 0) > limits.maxOrderColumns) {
    throw refused('orderBy', `"orderBy" takes at most ${limits.maxOrderColumns} entries.`);
  }
  const filter = readFilter(model, args.filter);
  const orderings = orderingsOf(model, args.orderBy);
  return {
    statement: listStatement({ model, columns, filter, orderings }),
    columns: columns.map((name) => ({ name, column: columnOf(model, name) })),
    cellsOf: (rows) => rows,
    explained: (error) => error,
  };
}

/** Reads the arguments of a field as GraphQL reads them. */
function coerced(
  { args }: GraphQLField<unknown, unknown>,
  names: readonly string[],
  chosen: string,
  asked: Asked,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(asked)) {
    const argument = names.includes(name) && args.find((each) => each.name === name);
    if (!argument) {
      throw refused(name, `There is no "${name}"; there are: ${[...names, chosen].join(', ')}.`);
    }
    assertBounded(argument.type, value, name);
    values[name] = coerceInputValue(value, argument.type, (path, _value, { message }) => {
      throw refused([name, ...path].reduce<string>(addStep, ''), message);
    });
  }
  return values;
}

function addStep(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  return path ? `${path}.${step}` : step;
}

/** The columns that a client names, as a list or with commas; by default those that all readers see. */
function readColumns(model: string, given: unknown): readonly string[] {
  const { columns = [] } = models.get(model) ?? {};
  if (given === undefined) return columns.filter((name) => !isGuarded(model, name));
  const names: unknown[] =
    typeof given === 'string'
      ? given.split(',').map((name) => name.trim())
      : Array.isArray(given)
        ? given
        : [given];
  if (names.length === 0) throw refused('columns', 'Name at least one column.');
  for (const [n, name] of names.entries()) {
    if (!columns.some((column) => column === name)) {
      const shown = String(name).slice(0, 100);
      throw refused('columns', `There is no column "${shown}"; there are: ${columns.join(', ')}.`);
    }
    if (names.indexOf(name) !== n) throw refused('columns', `"${name}" is named more than once.`);
  }
  return names.map(String);
}

function refuseEqualNames(columns: readonly FileColumn[]): void {
  const names = columns.map(({ name }) => name);
  const again = names.find((name, n) => names.indexOf(name) !== n);
  if (again) throw refused('measures', `Two columns are "${again}": give the measure an alias.`);
}
