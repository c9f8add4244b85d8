import { delegateIn, type Row } from '../rows.ts';
import { readValues } from './values.ts';
import { createRow, failed, refusal, updateRow, type Write, type WriteResult } from './write.ts';
import type { MutationError } from './write-errors.ts';
import { begin } from './write-transaction.ts';

/** How often another transaction may create or delete the row in between. */
const MAX_ATTEMPTS = 3;

/** Changes the row that a unique key names, or creates it. */
export async function upsertRow(
  write: Write,
  key: Row,
  create: Row,
  update: Row,
): Promise<WriteResult> {
  const refused = refusal(write);
  if (refused) return failed([refused]);
  const problems: MutationError[] = [];
  const where = readValues(write.model, key, ['key'], problems);
  if (problems.length > 0) return failed(problems);
  const find = async () =>
    delegateIn(await begin(write), write.model).findFirst({ where, select: { id: true } });
  let found = await find();
  for (let attempt = 1; ; attempt += 1) {
    const result = found
      ? await updateRow(write, found.id as string, update, null, 'update')
      : await createRow(write, { ...create, ...key }, 'create');
    const lostRace = found ? 'NOT_FOUND' : 'CONFLICT';
    const next = result.errors.some(({ code }) => code === lostRace) ? await find() : found;
    if (Boolean(next) === Boolean(found) || attempt === MAX_ATTEMPTS) return atKey(result, key);
    found = next;
  }
}

/** The values of a new row's key are the argument `key`. */
function atKey({ errors, ...result }: WriteResult, key: Row): WriteResult {
  return {
    ...result,
    errors: errors.map((error) => {
      const [argument, name] = error.path;
      const isKey = argument === 'create' && name !== undefined && name in key;
      return isKey ? { ...error, path: ['key', ...error.path.slice(1)] } : error;
    }),
  };
}
