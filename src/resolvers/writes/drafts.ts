import { randomUUID } from 'node:crypto';
import type { Context } from '../../context/context.ts';
import { modelOf, relationOf } from '../catalog.ts';
import { countKey } from '../loaders.ts';
import { writerOf } from '../permissions.ts';
import { delegateIn, type Row } from '../rows.ts';
import { isPassing } from './field.ts';
import { readValues } from './values.ts';
import { duplicate, type MutationError, mutationError } from './write-errors.ts';
import { Attempts, type Transaction } from './write-transaction.ts';

/**
 * Prisma compiles a statement in one go, which blocks other requests for about half a millisecond a
 * row.
 */
const ROWS_OF_A_STATEMENT = 100;

/** A row to be created, with rows of its own. */
export interface Draft {
  id: string;
  data: Row;
  /** Rows of to-many relations, which get the parent's id. */
  children: { relation: string; data: Row[] }[];
  path: readonly string[];
  errors: MutationError[];
}

/** Returns how many rows the inputs create, those of relations included. */
export function countNewRows(model: string, inputs: readonly Row[]): number {
  const { relations } = modelOf(model);
  const nested = inputs.flatMap((input) =>
    Object.entries(input).map(([name, value]) =>
      relations[name] ? ((value as Row[] | null)?.length ?? 0) : 0,
    ),
  );
  return nested.reduce((sum, count) => sum + count, inputs.length);
}

/** Reads the input of a new row; its problems are in `errors`. */
export function draftOf(
  context: Context,
  model: string,
  input: Row,
  path: readonly string[],
): Draft {
  const errors: MutationError[] = [];
  const { relations } = modelOf(model);
  const own: Row = {};
  const children: Draft['children'] = [];
  for (const [name, value] of Object.entries(input)) {
    if (relations[name] && value) {
      const { to } = relationOf(model, name);
      const data = (value as Row[]).map((child, i) => ({
        id: randomUUID(),
        ...defaultsOf(context, to),
        ...readValues(to, child, [...path, name, String(i)], errors),
      }));
      children.push({ relation: name, data });
    } else if (!relations[name]) {
      own[name] = value;
    }
  }
  const id = (own.id as string | undefined) ?? randomUUID();
  const data = { ...defaultsOf(context, model), ...readValues(model, own, path, errors), id };
  return { id, data, children, path, errors };
}

/** Defaults of a row. Lists are empty, because clients never see a missing list. */
export function defaultsOf(context: Context, model: string): Row {
  const lists = Object.entries(modelOf(model).columns).filter(
    ([, { isList, hasDefault }]) => isList && !hasDefault,
  );
  return {
    ...Object.fromEntries(lists.map(([name]) => [name, []])),
    ...ownershipOf(context, model),
  };
}

/** Whether a draft is not to be inserted. */
export function isRefused({ errors }: Draft): boolean {
  return errors.length > 0;
}

/** The workspace and the author of every new row. The database fills in the agent. */
function ownershipOf({ workspace, viewer }: Context, model: string): Row {
  const { columns } = modelOf(model);
  const own = columns.workspaceId && workspace ? { workspaceId: workspace.id } : {};
  if (viewer.kind === 'agent') return own;
  return {
    ...own,
    ...(columns.createdById ? { createdById: viewer.id } : {}),
    ...(columns.userId && !columns.createdById && writerOf(model) === 'Viewer'
      ? { userId: viewer.id }
      : {}),
  };
}

/**
 * Inserts the valid drafts, and records in the others why they are refused. The database leaves
 * duplicates out. For other errors, drafts are tried in parts and, where a part fails, one by one.
 * So each is inserted at most twice, however many fail.
 */
export async function insertInParts(
  transaction: Transaction,
  model: string,
  drafts: readonly Draft[],
): Promise<void> {
  const size = Math.ceil(Math.sqrt(drafts.length));
  const attempts = new Attempts(transaction);
  const insert = (part: readonly Draft[]) =>
    attempts.run(() => insertUnlessDuplicate(transaction, model, part));
  for (let start = 0; start < drafts.length; start += size) {
    const part = drafts.slice(start, start + size);
    let error = await insert(part);
    if (error === undefined) continue;
    for (const draft of part) {
      if (part.length > 1) error = await insert([draft]);
      if (error === undefined) continue;
      const explained = mutationError(model, error, draft.path);
      // A conflict with another transaction is not the row's fault. Everything is repeated.
      if (!explained || isPassing(error)) throw error;
      draft.errors.push(explained);
    }
  }
}

/** Inserts drafts with one statement for 100 rows of a table. */
export async function insertAll(transaction: Transaction, model: string, drafts: readonly Draft[]) {
  const data = drafts.map((draft) => draft.data);
  await insertRows(transaction, model, data);
  await insertChildren(transaction, model, drafts);
}

async function insertRows(transaction: Transaction, model: string, rows: readonly Row[]) {
  for (let start = 0; start < rows.length; start += ROWS_OF_A_STATEMENT) {
    const data = rows.slice(start, start + ROWS_OF_A_STATEMENT);
    await delegateIn(transaction, model).createMany({ data });
  }
}

/** The same, without rows that exist already. Their errors are recorded last. */
async function insertUnlessDuplicate(
  transaction: Transaction,
  model: string,
  drafts: readonly Draft[],
): Promise<void> {
  const rows = await delegateIn(transaction, model).createManyAndReturn({
    data: drafts.map(({ data }) => data),
    skipDuplicates: true,
    select: { id: true },
  });
  const inserted = new Set(rows.map(({ id }) => id));
  const isNew = ({ id }: Draft) => inserted.delete(id);
  const duplicates = new Set(drafts.filter((draft) => !isNew(draft)));
  await insertChildren(
    transaction,
    model,
    drafts.filter((draft) => !duplicates.has(draft)),
  );
  for (const draft of duplicates) draft.errors.push(duplicate(model, draft.path));
}

async function insertChildren(
  transaction: Transaction,
  model: string,
  drafts: readonly Draft[],
): Promise<void> {
  const relations = new Set(
    drafts.flatMap(({ children }) => children.map(({ relation }) => relation)),
  );
  for (const name of relations) {
    const { child, columns, references } = countKey(model, name);
    const data = drafts.flatMap((draft) =>
      draft.children
        .filter(({ relation }) => relation === name)
        .flatMap((nested) =>
          nested.data.map((row) => ({
            ...row,
            ...Object.fromEntries(
              columns.map((column, i) => [column, draft.data[references[i] ?? '']]),
            ),
          })),
        ),
    );
    await insertRows(transaction, child, data);
  }
}
