import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let api: Api;
let client: Client;
const userId = demoPeople[0]?.id as string;
const workspaceId = demoWorkspaces[0]?.id as string;

beforeAll(async () => {
  database = await createTestDatabase('demo');
  // Two of the signals have the same rank.
  await database.query(
    `insert into intelligence_signals
       (workspace_id, source_type, signal_title, signal_category, confidence_score, relevance_score)
     select $1, 'market', 'Signal ' || n, 'market_trend', (array[80, 90, 100, 75, 90])[n], (array[80, 100, 90, 90, 40])[n]
     from generate_series(1, 5) as n`,
    [workspaceId],
  );
  api = await openApi(database);
  client = await api.as(userId, workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const LISTS: [field: string, sql: string][] = [
  ['activeInsights', 'get_active_insights($2)'],
  ['prioritySignals', 'get_priority_signals($2)'],
  ['prioritySignals(threshold: "70.5")', 'get_priority_signals($2, 70.5)'],
  ['criticalAlerts', 'get_critical_alerts($2)'],
  ['unreadNotifications', 'get_user_unread_notifications($1)'],
];

describe('a list from a database function', () => {
  it.each(LISTS)('%s has the rows of the function in its order', async (field, sql) => {
    const rows = await database.as({ userId, workspaceId }, (query) =>
      query<{ id: string }>(
        `select id from ${sql} with ordinality as f where $1::uuid is not null and $2::uuid is not null
         order by ordinality`,
        [userId, workspaceId],
      ),
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const first of [rows.length, 1, 0]) {
      const call = field.includes('(')
        ? field.replace(')', `, first: ${first})`)
        : `${field}(first: ${first})`;
      api.statements();
      const data = await client.data(`{ list: ${call} { id workspace { name } } }`);
      expect(api.statements()).toHaveLength(3);
      expect(data.list.map(({ id }: { id: string }) => id)).toEqual(
        rows.slice(0, first).map(({ id }) => id),
      );
    }
  });

  it.each(LISTS)('%s has a limit and needs a workspace', async (field) => {
    const name = field.replace(/\(.*/, '');
    for (const first of [-1, 101]) {
      const { errors } = await client.ask(`{ ${name}(first: ${first}) { id } }`);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'first' });
    }
    const nowhere = await api.as(demoPeople.at(-1)?.id as string);
    const { errors } = await nowhere.ask(`{ ${name} { id } }`);
    expect(errors?.[0]?.extensions.code).toBe('WORKSPACE_REQUIRED');
  });
});
