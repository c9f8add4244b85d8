import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { createTenant, raise, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let ours: Tenant;
let theirs: Tenant;
beforeAll(async () => {
  database = await createTestDatabase();
  [ours, theirs] = [await createTenant(database), await createTenant(database)];
  for (const { workspaceId } of [ours, theirs]) {
    await database.query(
      `insert into system_alerts (workspace_id, alert_type, title, message)
       select $1, 'error', format('Alert %s of %s', n, md5(n::text)), 'The figures left their range'
       from generate_series(1, 3000) as n`,
      [workspaceId],
    );
  }
  await database.query('vacuum analyze system_alerts');
});
afterAll(() => database?.close());

interface Found {
  kind: string;
  total: number;
  approximate: boolean;
  id: string | null;
}

const search = (query: Query, text: string, kinds = ['SYSTEM_ALERT']) =>
  query<Found>('select * from gateway.search($1, $2, 10, null, null, null, null)', [text, kinds]);

describe('search', () => {
  it.each([
    ['a word', md5(7), false],
    ['the beginning of one', md5(7).slice(0, 6), false],
    ['a misspelt one', `${md5(7).slice(0, 15)}zz${md5(7).slice(16)}`, true],
  ])('starts from its index: %s', async (_, text, approximate) => {
    const [found, scans] = await database.as(ours.actor('Viewer'), async (query) => [
      await search(query, text),
      await query(
        `select pg_stat_get_xact_numscans('system_alerts_search_idx'::regclass)::int as searched,
                pg_stat_get_xact_numscans('system_alerts'::regclass)::int as read`,
      ),
    ]);
    expect(found).toMatchObject([{ total: 1, approximate }]);
    expect(scans).toEqual([{ searched: expect.any(Number), read: 0 }]);
    expect(Number(scans[0]?.searched)).toBeGreaterThan(0);
  });

  it('cannot start from it under policies, which is why a function searches', async () => {
    const plan = await database.as(ours.actor('Viewer'), (query) =>
      query<{ 'QUERY PLAN': string }>(
        `explain select id from system_alerts
         where gateway.search_vector(title, coalesce(' ' || message, '') || coalesce(' ' || description, '')) @@ 'range'`,
      ),
    );
    const conditions = plan.map((line) => line['QUERY PLAN']).filter((line) => line.includes('@@'));
    expect(conditions).toEqual([expect.stringMatching(/^ *Filter: /)]);
  });

  it('finds nothing for those who are not of the workspace, and trusted writers without one', async () => {
    const stranger = { userId: theirs.people.Owner, workspaceId: ours.workspaceId };
    expect(await database.as(stranger, (query) => search(query, 'figures'))).toEqual([]);
    expect(await database.as(service, (query) => search(query, 'figures'))).toEqual([]);
    const found = await database.as(ours.actor('Viewer'), (query) => search(query, 'figures'));
    expect(found).toHaveLength(10);
    expect(found[0]).toMatchObject({ total: 3000 });
  });

  it('lets rows be written whose texts are larger than what is searched', async () => {
    const words = Array.from({ length: 200_000 }, (_, n) => `word${n}`).join(' ');
    const id = await raise(database, ours, `Endless ${words}`);
    await database.query('update system_alerts set message = $1, description = $2 where id = $3', [
      'x'.repeat(3_000_000),
      'é'.repeat(3_000_000),
      id,
    ]);
    const found = await database.as(ours.actor('Viewer'), (query) => search(query, 'endless'));
    expect(found).toMatchObject([{ id, total: 1 }]);
  });
});

describe('the words of a text', () => {
  it.each([
    ['Café, ŁÓDŹ & Größe!', 'cafe lodz & grosse'],
    ['e-mail@example.com', 'e mail example com'],
    ['市场 x', '市 场 x'],
    ['１２３ ｆｕｌｌ', '123 full'],
    ['Ёлка — “Ель”', 'елка ель'],
  ])('of "%s" are "%s"', async (text, words) => {
    const [row] = await database.query<{ words: string }>(
      'select gateway.search_words($1) as words',
      [text],
    );
    expect(row?.words.trim().split(/ +/)).toEqual(words.replace('& ', '').split(' '));
  });
});

function md5(n: number): string {
  return createHash('md5').update(String(n)).digest('hex');
}
