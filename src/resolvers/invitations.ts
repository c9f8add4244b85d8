import type { Context } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { requirePageSize } from './function-rows.ts';
import { delegateOf, type Row } from './rows.ts';

/**
 * Returns the newest of the invitations that the viewer may see, under a condition in Prisma's terms.
 * Throws BAD_USER_INPUT for more than a page may have.
 */
export async function listInvitations(
  context: Context,
  where: object,
  first: number,
  selection: object,
): Promise<Row[]> {
  requirePageSize(first);
  return delegateOf(context, 'Invitation').findMany({
    ...selection,
    where,
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: first,
  });
}

/**
 * Marks invitations that were not answered in time as expired, and deletes those settled long ago,
 * page by page. Needs any session.
 */
export async function expireInvitations(database: Database): Promise<void> {
  for (let settled = 1; settled > 0; ) {
    const [row] = await database.query<{ settled: number }>(
      'SELECT gateway.expire_invitations()::integer AS settled',
    );
    settled = row?.settled ?? 0;
  }
}
