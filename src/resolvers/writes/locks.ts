import { columnOf, modelOf } from '../catalog.ts';
import { MutationRefused } from './write-errors.ts';
import type { Transaction } from './write-transaction.ts';

interface Locked {
  id: string;
  updatedAt?: Date;
}

/**
 * Locks rows for this transaction and returns the ids of those that exist and that the viewer may
 * change. Rows are locked in a fixed order, so that two transactions never wait for each other.
 */
export async function lock(
  transaction: Transaction,
  model: string,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await lockRows(transaction, model, ids);
  return rows.map(({ id }) => id);
}

/** Locks a row for this transaction. Refuses if the row is missing or was changed since. */
export async function lockUnmodified(
  transaction: Transaction,
  model: string,
  id: string,
  unmodifiedSince: Date | null | undefined,
): Promise<void> {
  const [row] = await lockRows(transaction, model, [id]);
  if (!row) {
    throw new MutationRefused([
      { code: 'NOT_FOUND', message: `There is no such ${model}.`, path: ['id'] },
    ]);
  }
  if (unmodifiedSince && row.updatedAt && row.updatedAt > unmodifiedSince) {
    throw new MutationRefused([
      {
        code: 'CONFLICT',
        message: `The ${model} was changed at ${row.updatedAt.toISOString()}: read it again.`,
        path: ['ifUnmodifiedSince'],
      },
    ]);
  }
}

function lockRows(transaction: Transaction, model: string, ids: readonly string[]) {
  const { schema, table, columns } = modelOf(model);
  const version = columns.updatedAt ? ', updated_at AS "updatedAt"' : '';
  return transaction.$queryRawUnsafe<Locked[]>(
    `SELECT id${version} FROM "${schema}"."${table}" WHERE id = ANY ($1::${keyType(model)}[])
     ORDER BY id FOR NO KEY UPDATE`,
    ids,
  );
}

/** The type of a model's primary key: dictionaries have keys that people can read. */
export function keyType(model: string): 'uuid' | 'text' {
  return columnOf(model, 'id').nativeType === 'Uuid' ? 'uuid' : 'text';
}
