import { columnOf, modelOf } from '../catalog.ts';
import { toWhere } from '../filter.ts';
import { limits } from '../limits.ts';
import { writeRefusal } from '../permissions.ts';
import { delegateIn, type Row, requireScope } from '../rows.ts';
import { storedValue } from '../secrets.ts';
import { countNewRows, draftOf, insertAll, insertInParts, isRefused } from './drafts.ts';
import { fieldOf } from './field.ts';
import { keyType, lock, lockUnmodified } from './locks.ts';
import { type Changes, type JsonPatchOperation, readChanges } from './values.ts';
import { type MutationError, MutationRefused, mutationError } from './write-errors.ts';
import { inTransaction, readAnswer, type Transaction, type Writing } from './write-transaction.ts';

/** The result for one row. */
export interface WriteResult {
  id: string | null;
  /** The row as selected: after the write or, when it was deleted, before. */
  row: Row | null;
  errors: readonly MutationError[];
}

/** A mutation on a model: its sender, the selection of the row, and whether to keep it. */
export interface Write extends Writing {
  model: string;
  /** Prisma's selection of what the client reads back. */
  selection: object;
}

/** Creates a row, with rows of the relations that its input nests. */
export async function createRow(
  write: Write,
  input: Row,
  argument = 'input',
): Promise<WriteResult> {
  const [result] = await createRows(write, [input], true, () => [argument]);
  return result as WriteResult;
}

/**
 * Creates rows and returns a result for each, in their order. With `atomic`, one problem refuses
 * all of them; else those without a problem are kept.
 */
export async function createRows(
  write: Write,
  inputs: readonly Row[],
  atomic: boolean,
  pathOf = (i: number): string[] => ['inputs', String(i)],
): Promise<WriteResult[]> {
  const { model } = write;
  const refused = refusal(write);
  if (refused) return inputs.map((_, i) => failed([{ ...refused, path: pathOf(i) }]));
  const count = countNewRows(model, inputs);
  if (count > limits.maxBulkRows) {
    const [argument = 'inputs'] = pathOf(0);
    return [failed([tooManyRows(argument, count)])];
  }
  const drafts = inputs.map((input, i) => draftOf(write.context, model, input, pathOf(i)));
  const settle = (insert: typeof insertAll) => async (transaction: Transaction) => {
    const assertSettled = () => {
      if (atomic ? drafts.some(isRefused) : drafts.every(isRefused)) throw new Unsettled();
    };
    assertSettled();
    const sound = drafts.filter((draft) => !isRefused(draft));
    if (sound.length > 0) await insert(transaction, model, sound);
    assertSettled();
    const ids = drafts.filter((draft) => !isRefused(draft)).map(({ id }) => id);
    const rows = await readBack(transaction, write, ids);
    return drafts.map((draft) =>
      isRefused(draft)
        ? failed(draft.errors)
        : { id: draft.id, row: rows.get(draft.id) ?? null, errors: [] },
    );
  };
  try {
    return await inTransaction(write, settle(insertAll)).catch((error) => {
      if (error instanceof Unsettled || !mutationError(model, error, [])) throw error;
      // A second, slower attempt finds the rows that cannot be inserted.
      return inTransaction(write, settle(insertInParts));
    });
  } catch (error) {
    if (error instanceof Unsettled) return drafts.map(({ errors }) => failed(errors));
    throw error;
  }
}

/** Changes one row; with `unmodifiedSince` only if it was not changed after that moment. */
export function updateRow(
  write: Write,
  id: string,
  input: Row,
  unmodifiedSince?: Date | null,
  argument = 'input',
): Promise<WriteResult> {
  return one(write, [argument], async (transaction) => {
    const changes = soundChanges(write.model, input, argument);
    await lockUnmodified(transaction, write.model, id, unmodifiedSince);
    await change(transaction, write.model, [id], changes);
    const rows = await readBack(transaction, write, [id]);
    return { id, row: rows.get(id) ?? null, errors: [] };
  });
}

/** Deletes one row, under the same condition, once the answer has been read. Returns it as it is. */
export function deleteRow(write: Write, id: string, unmodifiedSince?: Date | null) {
  return one(write, ['id'], async (transaction) => {
    await lockUnmodified(transaction, write.model, id, unmodifiedSince);
    const rows = await readBack(transaction, write, [id]);
    removeLast(transaction, write, [id]);
    return { id, row: rows.get(id) ?? null, errors: [] };
  });
}

/** Changes all rows that match a filter, unless these are more than `atMost`. */
export function updateRows(write: Write, filter: Row, input: Row, atMost: number) {
  return many(write, filter, atMost, 'input', async (transaction, ids) => {
    const changes = soundChanges(write.model, input, 'input');
    await change(transaction, write.model, ids, changes);
    return readBack(transaction, write, ids);
  });
}

/** Deletes all rows that match a filter, unless these are more than `atMost`, in the same way. */
export function deleteRows(write: Write, filter: Row, atMost: number) {
  return many(write, filter, atMost, 'filter', async (transaction, ids) => {
    const rows = await readBack(transaction, write, ids);
    removeLast(transaction, write, ids);
    return rows;
  });
}

/** The rows have to exist until the answer has been read. */
function removeLast(transaction: Transaction, { context, model }: Write, ids: readonly string[]) {
  fieldOf(context).last = async () => {
    const where = { id: { in: [...ids] } };
    const { count } = await delegateIn(transaction, model).deleteMany({ where });
    if (count < ids.length) {
      const message = `You may not delete every ${model} that matches: none was deleted.`;
      throw new MutationRefused([{ code: 'FORBIDDEN', message, path: [] }]);
    }
  };
}

function soundChanges(model: string, input: Row, argument: string): Changes {
  const problems: MutationError[] = [];
  const changes = readChanges(model, input, [argument], problems);
  if (problems.length > 0) throw new MutationRefused(problems);
  return changes;
}

async function change(
  transaction: Transaction,
  model: string,
  ids: readonly string[],
  { data, patches }: Changes,
): Promise<void> {
  if (Object.keys(data).length > 0) {
    await delegateIn(transaction, model).updateMany({ where: { id: { in: [...ids] } }, data });
  }
  const patched = Object.entries(patches);
  if (patched.length > 0) await patchJson(transaction, model, ids, patched);
}

/** Done in the database on the stored value, so that two patches at once both take effect. */
async function patchJson(
  transaction: Transaction,
  model: string,
  ids: readonly string[],
  patches: [string, readonly JsonPatchOperation[]][],
): Promise<void> {
  const { schema, table } = modelOf(model);
  const assignments = patches.map(([name], i) => {
    const { column } = columnOf(model, name);
    const stored = storedValue(model, name);
    return `"${column}" = gateway.jsonb_patch(${stored}, $${i + 2}::jsonb, '${column}')`;
  });
  await transaction.$executeRawUnsafe(
    `UPDATE "${schema}"."${table}" SET ${assignments.join(', ')} WHERE id = ANY ($1::${keyType(model)}[])`,
    ids,
    ...patches.map(([, operations]) => JSON.stringify(operations)),
  );
}

/** Reads rows as the client selects them, by id. */
export async function readBack(transaction: Transaction, write: Write, ids: readonly string[]) {
  const { model, selection } = write;
  readAnswer(write);
  const rows = await delegateIn(transaction, model).findMany({
    ...selection,
    where: { id: { in: [...ids] } },
  });
  return new Map(rows.map((row) => [row.id as string, row]));
}

async function one(
  write: Write,
  path: readonly string[],
  work: (transaction: Transaction) => Promise<WriteResult>,
): Promise<WriteResult> {
  const refused = refusal(write);
  if (refused) return failed([refused]);
  const explain = (error: unknown) => failed(explained(write.model, error, path));
  fieldOf(write.context).explain = explain;
  try {
    return await inTransaction(write, work);
  } catch (error) {
    return explain(error);
  }
}

async function many(
  write: Write,
  filter: Row,
  atMost: number,
  argument: string,
  work: (transaction: Transaction, ids: readonly string[]) => Promise<Map<string, Row>>,
): Promise<WriteResult[]> {
  const refused = refusal(write);
  if (refused) return [failed([refused])];
  if (atMost < 1 || atMost > limits.maxBulkRows) {
    return [failed([tooMany('atMost', atMost, limits.maxBulkRows)])];
  }
  const where = toWhere(write.model, filter, { complete: true });
  const explain = (error: unknown) => [failed(explained(write.model, error, [argument]))];
  fieldOf(write.context).explain = explain;
  try {
    return await inTransaction(write, async (transaction) => {
      const found = await delegateIn(transaction, write.model).findMany({
        where,
        select: { id: true },
        orderBy: { id: 'asc' },
        take: atMost + 1,
      });
      if (found.length > atMost) {
        throw new MutationRefused([
          {
            code: 'VALIDATION',
            message: `The filter matches more than ${atMost} rows: nothing was done.`,
            path: ['atMost'],
          },
        ]);
      }
      const ids = await lock(
        transaction,
        write.model,
        found.map(({ id }) => id as string),
      );
      const rows = await work(transaction, ids);
      return ids.map((id) => ({ id, row: rows.get(id) ?? null, errors: [] }));
    });
  } catch (error) {
    return explain(error);
  }
}

function explained(
  model: string,
  error: unknown,
  path: readonly string[],
): readonly MutationError[] {
  if (error instanceof MutationRefused) return error.errors;
  const problem = mutationError(model, error, path);
  if (!problem) throw error;
  return [problem];
}

/** Returns why the viewer may not write this model at all. */
export function refusal({ context, model }: Write): MutationError | undefined {
  requireScope(context, model);
  const message = writeRefusal(context, model);
  return message ? { code: 'FORBIDDEN', message, path: [] } : undefined;
}

function tooMany(argument: string, given: number, most: number): MutationError {
  return {
    code: 'VALIDATION',
    message: `"${argument}" must be between 1 and ${most}, not ${given}.`,
    path: [argument],
  };
}

function tooManyRows(argument: string, count: number): MutationError {
  return {
    code: 'VALIDATION',
    message: `A mutation creates at most ${limits.maxBulkRows} rows, those of relations included, not ${count}.`,
    path: [argument],
  };
}

/** The result of a row that was refused. */
export function failed(errors: readonly MutationError[]): WriteResult {
  return { id: null, row: null, errors };
}

/** Ends a transaction whose drafts hold the reasons. */
class Unsettled extends Error {
  constructor() {
    super('Some rows cannot be created');
  }
}
