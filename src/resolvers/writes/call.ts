import { databaseError } from '../../context/database/database-errors.ts';
import { type Column, catalog } from '../../generated/catalog.ts';
import { delegateIn, type Row } from '../rows.ts';
import { fieldOf } from './field.ts';
import { problemOf } from './values.ts';
import { failed, readBack, refusal, type Write, type WriteResult } from './write.ts';
import { type MutationError, MutationRefused, mutationError } from './write-errors.ts';
import { inTransaction, readAnswer, type Transaction } from './write-transaction.ts';

/** A parameter of a function of the database. */
export interface Parameter {
  /** The function's name of it. */
  name: string;
  /** The type and length of its values. */
  column: Column;
  /** The model's column that the value ends up in, where there is one. */
  field?: string;
}

/** A function of the database that writes, as a mutation calls it. */
export interface DatabaseFunction {
  name: string;
  /** By the client's argument. The first one names the subject of the function. */
  parameters: Record<string, Parameter>;
  /** Those who may write this model may call it. Default: the model of the mutation. */
  writersOf?: string;
  /** Values that no client gives, by parameter. */
  fixed?: Record<string, { value: string; type: 'uuid' }>;
  /**
   * The unique key of the row that it writes, for a function that does not return rows. A function
   * that deletes the row is called once the answer has been read.
   */
  row?: { key: Row; isDeleted?: boolean };
  /** Whether it answers with a verdict (`success` and `message`) where others raise an error. */
  returnsVerdict?: boolean;
  /** Whether it returns several rows. */
  many?: boolean;
  /** Whether what it returns is a workspace, in which the answer is read. */
  entersWorkspace?: boolean;
}

/** Calls a function and returns the result for its row, or for each of its rows in their order. */
export async function callFunction(
  write: Write,
  fn: DatabaseFunction,
  values: Row,
): Promise<WriteResult | WriteResult[]> {
  const refuse = (errors: readonly MutationError[]) =>
    fn.many ? [failed(errors)] : failed(errors);
  const refused = refusal({ ...write, model: fn.writersOf ?? write.model });
  if (refused) return refuse([refused]);
  const problems = problemsOf(fn, values);
  if (problems.length > 0) return refuse(problems);
  const field = fieldOf(write.context);
  const explain = (error: unknown) => refuse(explained(write.model, fn, error));
  field.explain = explain;
  try {
    return await inTransaction(write, async (transaction) => {
      const call = () => idsFrom(transaction, fn, values);
      if (!fn.row) {
        const results = await resultsOf(transaction, write, await call());
        return fn.many ? results : (results[0] as WriteResult);
      }
      if (fn.row.isDeleted) field.last = call;
      else await call();
      const row = await find(transaction, write, fn.row.key);
      return { id: (row?.id as string | undefined) ?? null, row, errors: [] };
    });
  } catch (error) {
    return explain(error);
  }
}

/** Calls a function that returns how many rows it wrote. */
export async function callCounting(write: Write, fn: DatabaseFunction, values: Row) {
  const refused = refusal({ ...write, model: fn.writersOf ?? write.model });
  if (refused) return { affected: 0, errors: [refused] };
  const { text, parameters } = statementOf(fn, values, `"${fn.name}" AS affected`);
  const [row] = await inTransaction(write, (transaction) =>
    transaction.$queryRawUnsafe<{ affected: number }[]>(text, ...parameters),
  );
  return { affected: row?.affected ?? 0, errors: [] };
}

async function idsFrom(transaction: Transaction, fn: DatabaseFunction, values: Row) {
  if (fn.returnsVerdict) {
    const { text, parameters } = statementOf(fn, values, 'success, message');
    const [verdict] = await transaction.$queryRawUnsafe<{ success: boolean; message: string }[]>(
      text,
      ...parameters,
    );
    if (!verdict?.success) throw new MutationRefused([refusedBy(fn, verdict?.message ?? '')]);
    return [];
  }
  const entered = ", set_config('app.current_workspace_id', id::text, true)";
  const selected = fn.entersWorkspace ? `id${entered}` : 'id';
  const { text, parameters } = statementOf(fn, values, selected);
  const rows = await transaction.$queryRawUnsafe<{ id: string }[]>(text, ...parameters);
  return rows.map(({ id }) => id);
}

/** Arguments that were left out are left to the function's defaults. */
function statementOf(fn: DatabaseFunction, values: Row, selected: string) {
  const given = [
    ...Object.entries(fn.fixed ?? {}).map(([name, { value, type }]) => ({ name, value, type })),
    ...Object.entries(fn.parameters).flatMap(([argument, { name, column }]) =>
      values[argument] == null
        ? []
        : [{ name, value: toSql(column, values[argument]), type: parameterType(column) }],
    ),
  ];
  const list = given.map(({ name, type }, i) => `"${name}" => $${i + 1}::${type}`).join(', ');
  return {
    text: `SELECT ${selected} FROM public."${fn.name}"(${list})`,
    parameters: given.map(({ value }) => value),
  };
}

const SQL_TYPES: Record<string, string> = {
  String: 'text',
  Int: 'integer',
  BigInt: 'bigint',
  Float: 'double precision',
  Decimal: 'numeric',
  Boolean: 'boolean',
  Json: 'jsonb',
  DateTime: 'timestamptz',
};

function parameterType({ type, kind, nativeType, isList }: Column): string {
  const native = nativeType === 'Uuid' || nativeType === 'Date' ? nativeType.toLowerCase() : '';
  const name =
    kind === 'enum' ? `public."${catalog.enums[type]?.type}"` : native || SQL_TYPES[type];
  return isList ? `${name}[]` : `${name}`;
}

function toSql(column: Column, value: unknown): unknown {
  if (column.type === 'Json') return JSON.stringify(value);
  // A text is cast in the database, because days in the driver depend on its time zone.
  if (value instanceof Date) return value.toISOString();
  if (!column.isList || !(value as unknown[]).includes(null)) return value;
  // The driver does not support missing items of lists. Here only lists of numbers have them.
  return `{${(value as unknown[]).map((item) => item ?? 'NULL').join(',')}}`;
}

function find(transaction: Transaction, write: Write, key: Row) {
  const { model, selection } = write;
  readAnswer(write);
  return delegateIn(transaction, model).findFirst({ ...selection, where: key });
}

async function resultsOf(transaction: Transaction, write: Write, ids: readonly string[]) {
  const rows = await readBack(transaction, write, ids);
  return ids.map((id) => ({ id, row: rows.get(id) ?? null, errors: [] }));
}

function problemsOf({ parameters }: DatabaseFunction, values: Row): MutationError[] {
  return Object.entries(parameters).flatMap(([argument, { column }]) => {
    const message = values[argument] == null ? undefined : problemOf(column, values[argument]);
    return message ? [{ code: 'VALIDATION' as const, message, path: [argument] }] : [];
  });
}

/** An error of the function, at the argument that it is about. */
function explained(model: string, fn: DatabaseFunction, error: unknown): readonly MutationError[] {
  if (error instanceof MutationRefused) return error.errors;
  const problem = mutationError(model, error, []);
  if (!problem) throw error;
  const names = [...(databaseError(error)?.columns ?? []), ...problem.path];
  const argument = Object.entries(fn.parameters).find(
    ([, { name, field }]) => names.includes(name) || (field !== undefined && names.includes(field)),
  )?.[0];
  return [{ ...problem, path: argument ? [argument] : pathOf(fn, problem) }];
}

function refusedBy(fn: DatabaseFunction, reason: string): MutationError {
  const message = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`;
  const refused = reason.startsWith('there is no such')
    ? ({ code: 'NOT_FOUND', message, path: [] } as const)
    : ({ code: 'INVALID_TRANSITION', message, path: [], detail: null } as const);
  return { ...refused, path: pathOf(fn, refused) };
}

/** The first argument names the row that is missing or cannot take the step. */
function pathOf({ parameters }: DatabaseFunction, { code }: MutationError): string[] {
  const about = code === 'NOT_FOUND' || code === 'INVALID_TRANSITION';
  return about ? Object.keys(parameters).slice(0, 1) : [];
}
