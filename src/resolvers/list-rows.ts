import type { Context } from '../context/context.ts';
import { type Connection, type Page, toConnection } from './page.ts';
import { delegateOf, type Row, requireScope } from './rows.ts';

/** Returns a page of a model's rows. */
export async function listRows(
  context: Context,
  model: string,
  page: Page,
  where: object,
  selection: object,
): Promise<Connection<Row>> {
  requireScope(context, model);
  const { where: behindCursor = {}, take, orderBy } = page.query;
  const rows = await delegateOf(context, model).findMany({
    ...selection,
    where: { AND: [where, behindCursor] },
    orderBy,
    take,
  });
  return toConnection(page, rows);
}
