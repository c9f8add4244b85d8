import { type DatabaseFailure, databaseError } from '../../context/database/database-errors.ts';
import { catalog, type Model } from '../../generated/catalog.ts';
import { article, modelOf } from '../catalog.ts';

/** Errors that a client can act on. Each code is a type of its own in the API. */
export type MutationError = { message: string; path: readonly string[] } & (
  | { code: 'VALIDATION' | 'NOT_FOUND' | 'CONFLICT' | 'FORBIDDEN' }
  | { code: 'INVALID_TRANSITION'; detail: string | null }
  | { code: 'LIMIT_REACHED'; limit: number; current: number }
);

/** Thrown inside a mutation's transaction, to roll it back and report the reason to the client. */
export class MutationRefused extends Error {
  override readonly name = 'MutationRefused';
  readonly errors: readonly MutationError[];

  constructor(errors: readonly MutationError[]) {
    super(errors.map(({ message }) => message).join(' '));
    this.errors = errors;
  }
}

/** The suffix of CHECKs that refuse values which the API cannot show. */
const FINITE = '_finite';

/** SQLSTATEs that our own functions and triggers raise for clients. */
const RAISED: Record<string, MutationError['code']> = {
  P0002: 'NOT_FOUND',
  '22023': 'VALIDATION',
  '42501': 'FORBIDDEN',
  '55000': 'INVALID_TRANSITION',
  CX001: 'LIMIT_REACHED',
  CX002: 'CONFLICT',
};

/**
 * Returns the meaning of a database error for a write to a model, null for an error that is not the
 * client's fault. `path` is the argument that holds the values.
 */
export function mutationError(
  model: string,
  error: unknown,
  path: readonly string[],
): MutationError | null {
  const failure = databaseError(error);
  if (!failure) return null;
  const { kind, sqlstate = '', constraint, columns, message, detail } = failure;
  const row = rowPathOf(model, constraint, path);
  const described = modelOf(row.model);
  const at = (names: readonly string[]) => {
    const [first] = names
      .map((name) => fieldOf(described, name))
      .filter((name) => name !== undefined);
    return first ? [...row.path, first] : row.path;
  };

  const raised = RAISED[sqlstate];
  if (raised === 'LIMIT_REACHED') return limitReached(message, detail, path);
  if (raised === 'INVALID_TRANSITION') {
    return {
      code: raised,
      message: sentence(message),
      path: at(['status', ...columns]),
      detail: detail ?? null,
    };
  }
  if (raised && kind !== 'permission')
    return { code: raised, message: sentence(message), path: at(columns) };
  switch (kind) {
    case 'unique':
      return conflict(row, described, uniqueColumns(described, constraint, columns));
    case 'foreignKey':
      return foreignKey(model, row, failure, path);
    case 'check':
      return {
        code: 'VALIDATION',
        message: constraint?.endsWith(FINITE)
          ? 'The value is not finite, or not of the years 1 to 9999.'
          : 'The value is outside its allowed range.',
        path: at(checkedColumns(described, constraint)),
      };
    case 'notNull':
      return { code: 'VALIDATION', message: 'A value is required.', path: at(columns) };
    case 'invalidInput':
      return { code: 'VALIDATION', message: 'A value cannot be stored.', path: at(columns) };
    case 'permission':
      return { code: 'FORBIDDEN', message: 'Your role does not allow this.', path };
    case 'notFound':
      return { code: 'NOT_FOUND', message: `There is no such ${model}.`, path };
    case 'serialization':
      return {
        code: 'CONFLICT',
        message: 'Somebody else changed the same rows at this moment. Try again.',
        path,
      };
    default:
      return null;
  }
}

/**
 * The error for a row that exists already, with the same unique key or, if the model has none, the
 * same id.
 */
export function duplicate(model: string, path: readonly string[]): MutationError {
  const described = modelOf(model);
  const key = described.uniqueKeys.find((names) => !names.includes('id')) ?? ['id'];
  return conflict(
    { model, path },
    described,
    key.filter((name) => name !== 'workspaceId'),
  );
}

function conflict(row: RowPath, described: Model, columns: readonly string[]): MutationError {
  const fields = columns.map((name) => fieldOf(described, name) ?? name);
  return {
    code: 'CONFLICT',
    message: `Another ${row.model} has the same ${listed(fields)}.`,
    path: fields[0] ? [...row.path, fields[0]] : row.path,
  };
}

/**
 * The place of the row that a constraint is about: the argument that holds the values, or one of
 * its relations that is created with it.
 */
function rowPathOf(
  model: string,
  constraint: string | undefined,
  path: readonly string[],
): RowPath {
  const owner = Object.entries(catalog.models)
    .filter(([, { schema, table }]) => schema === 'public' && constraint?.startsWith(`${table}_`))
    .sort(([, one], [, other]) => other.table.length - one.table.length)[0]?.[0];
  if (!owner || owner === model) return { model, path };
  const relation = Object.entries(modelOf(model).relations).find(([, { to }]) => to === owner)?.[0];
  return { model: owner, path: relation ? [...path, relation] : path };
}

interface RowPath {
  model: string;
  path: readonly string[];
}

function foreignKey(
  model: string,
  row: RowPath,
  { constraint, message }: DatabaseFailure,
  path: readonly string[],
): MutationError {
  // A deleted row is still referred to; a new row refers to a missing one.
  if (message.includes('update or delete on table')) {
    return {
      code: 'CONFLICT',
      message: `The ${model} is still used by ${article(row.model)}.`,
      path,
    };
  }
  const { table, relations, columns } = modelOf(row.model);
  const relation = Object.values(relations).find(
    ({ columns: own }) =>
      own.length > 0 &&
      constraint === `${table}_${own.map((column) => columns[column]?.column).join('_')}_fkey`,
  );
  if (!relation) {
    return { code: 'VALIDATION', message: 'A row that this refers to does not exist.', path };
  }
  return {
    code: 'VALIDATION',
    message: `There is no such ${relation.to === 'AuthUser' ? 'person' : relation.to}.`,
    path: [...row.path, relation.columns.at(-1) as string],
  };
}

function limitReached(
  message: string,
  detail: string | undefined,
  path: readonly string[],
): MutationError {
  const { limit, current } = JSON.parse(detail ?? '{}') as { limit: number; current: number };
  return { code: 'LIMIT_REACHED', message: sentence(message), path, limit, current };
}

/** The API's name of a column that the database names. */
function fieldOf({ columns }: Model, name: string): string | undefined {
  if (name in columns) return name;
  return Object.entries(columns).find(([, { column }]) => column === name)?.[0];
}

function uniqueColumns(
  { table, columns, uniqueKeys }: Model,
  constraint: string | undefined,
  known: string[],
) {
  if (known.length > 0)
    return known.filter((name) => name !== 'workspace_id' && name !== 'workspaceId');
  const key = uniqueKeys.find(
    (names) =>
      constraint === `${table}_${names.map((name) => columns[name]?.column).join('_')}_key`,
  );
  return (key ?? ['id']).filter((name) => name !== 'workspaceId');
}

function checkedColumns({ table }: Model, constraint: string | undefined): string[] {
  const column = constraint?.slice(table.length + 1).replace(/_(check|finite)$/, '');
  return column ? [column] : [];
}

function listed(names: readonly string[]): string {
  return names.length > 0 ? names.join(' and ') : 'values';
}

/** The database's messages begin with a small letter and end without a full stop. */
function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
