import { uuidOf } from '../../prisma/seed/random.ts';
import type { Query } from '../support/database.ts';
import type { Row, Table } from '../support/rows.ts';
import { CANARY, isText } from './rows.ts';

/** Signs people up. */
export async function makePeople(query: Query, people: readonly string[]): Promise<void> {
  for (const [n, id] of people.entries()) {
    await query('insert into auth.users (id, email, raw_user_meta_data) values ($1, $2, $3)', [
      id,
      `person${n}@example.com`,
      JSON.stringify({ full_name: `Person ${n}` }),
    ]);
  }
}

/** Puts the canary into every text about people of the other workspace. */
export async function markPeople(query: Query, tables: readonly Table[], people: string[]) {
  for (const [name, key] of [
    ['user_profiles', 'id'],
    ['subscriptions', 'user_id'],
  ]) {
    const columns = tables.find((table) => table.name === name)?.columns ?? [];
    const changes = columns.flatMap(({ name, type, length, labels }) => {
      const text = CANARY.slice(0, length ?? CANARY.length);
      if (type === 'jsonb') return [`"${name}" = '{"${text}": 1}'`];
      return isText(type) && !labels ? [`"${name}" = '${text}'`] : [];
    });
    await query(`update ${name} set ${changes.join(', ')} where ${key} = any ($1)`, [people]);
  }
}

/** Invites addresses: those of guests, and some that the other workspace also invites. */
export async function invite(
  query: Query,
  { name, workspaceId, people }: { name: string; workspaceId: string; people: readonly string[] },
  guests: readonly string[],
): Promise<Row[]> {
  const marked = name === 'theirs' ? [CANARY.toLowerCase()] : ['invited2'];
  const addresses = ['invited0', 'invited1', ...marked].map((each) => `${each}@example.com`);
  for (const guest of guests) {
    const [found] = await query<{ email: string }>('select email from auth.users where id = $1', [
      guest,
    ]);
    addresses.push(String(found?.email));
  }
  const rows: Row[] = [];
  for (const [n, address] of addresses.entries()) {
    const id = uuidOf(`${name} invitation ${n}`);
    await query(
      `insert into gateway.invitation (id, workspace_id, email, status, invited_by)
       values ($1, $2, $3, $4, $5)`,
      [id, workspaceId, address, n === 1 ? 'accepted' : 'pending', people[0]],
    );
    rows.push({ id });
  }
  return rows;
}
