import { readFileSync } from 'node:fs';
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { examples } from '../../src/server/graphiql/examples.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  documentedOperations,
  remember,
  type Sender,
  variablesOf,
} from '../support/documented-operations.ts';

let database: TestDatabase;
let api: Api;
beforeAll(async () => {
  database = await createTestDatabase('demo');
  api = await openApi(database);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const workspaceId = demoWorkspaces[0]?.id as string;

const clientOf = (sender: Sender): Promise<Client> =>
  sender.kind === 'agent'
    ? api.asAgent(sender.name, sender.scopes, sender.workspaceId)
    : api.as(sender.id, sender.workspaceId);

it.each(['workflows.md', 'mutations.md', 'search.md'])(
  'docs/%s shows the answers of the API',
  async (name) => {
    const known = new Map<string, unknown>();
    for (const { sender, document, answer } of documentedOperations(name)) {
      const client = await clientOf(sender);
      const { data, errors } = await client.ask(document, variablesOf(document, known));
      remember(data, known);
      const stripIds = (text: string) =>
        JSON.parse(text.replace(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"id"'));
      const shown = stripIds(answer);
      // An answer without data is shown whole, without locations.
      if (shown.data) expect({ data, errors }, document).toMatchObject(shown);
      else expect(stripIds(JSON.stringify(errors ?? data)), document).toEqual(shown);
    }
  },
);

describe.each(['querying.md', 'analytics.md'])(
  'an example of docs/%s is answered without its variables',
  (name) => {
    const file = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
    const documents = [...file.matchAll(/^```graphql\n([\s\S]+?)\n```$/gm)].map(
      ([, document]) => document as string,
    );
    it.each(documents)('%s', async (document) => {
      const client = await api.as(demoPeople[0]?.id as string, workspaceId);
      expect(Object.values(await client.data(document))).not.toContain(null);
    });
  },
);

describe('a tab of GraphiQL runs unchanged, and writes nothing', () => {
  const tabs = examples.flatMap(({ query, variables }) => {
    const [first] = parse(query).definitions;
    // Subscriptions have a test of their own.
    if (first?.kind !== 'OperationDefinition' || first.operation === 'subscription') return [];
    return [[first.name?.value, query, variables] as const];
  });
  it.each(tabs)('%s', async (_, query, variables) => {
    const logged = () => database.query('select max(id) from gateway.audit_log');
    const before = await logged();
    const client = await api.as(demoPeople[0]?.id as string, workspaceId);
    const { data, errors, text } = await client.ask(query, variables);
    expect(errors).toBeUndefined();
    expect(text).not.toMatch(/"errors":\[[^\]]/);
    expect(Object.values(data ?? {})).not.toContain(null);
    expect(await logged()).toEqual(before);
  });
});
