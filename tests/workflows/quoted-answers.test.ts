import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoPeople } from '../../prisma/seed/people.ts';
import { token } from '../server/support/gateway.ts';
import { type Api, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

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

/** Other tests run these completely. */
const EXECUTED = ['workflows.md', 'mutations.md', 'search.md', 'export.md'];
const pages = readdirSync('docs').filter(
  (name) => name.endsWith('.md') && !EXECUTED.includes(name),
);
const texts = [...pages.map((name) => `docs/${name}`), 'README.md', 'packages/client/README.md'];
const source = filesIn('src', '.ts') + filesIn('prisma/migrations', '.sql');

function filesIn(folder: string, extension: string): string {
  return readdirSync(folder, { recursive: true })
    .filter((name) => String(name).endsWith(extension))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
    .join('\n');
}

const messages = texts.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/"message": ?"((?:[^"\\]|\\.)+)"/g)].map(
    ([, message = '']) => [file, message] as const,
  ),
);

it.each(messages)('%s quotes a message of the server: %s', (_, message) => {
  // Without the numbers and names that are inserted.
  const words = message.split(/\\"[^"]*"|[\d,]{2,}/);
  expect(words.filter((part) => !source.includes(part))).toEqual([]);
});

it('there are such messages', () => expect(messages.length).toBeGreaterThan(2));

it.each(['README.md', 'docs/getting-started.md'])(
  'the requests in %s have these answers',
  async (file) => {
    const pieces = readFileSync(file, 'utf8').matchAll(
      /^```(sh|graphql)\n([^`]+)```\n\n```json\n([^`]+)```$/gm,
    );
    let answers = 0;
    for (const [, language, request = '', answer = ''] of pieces) {
      // GraphiQL is signed in as the first person.
      const asked = /--email (\S+?)\)/.exec(request)?.[1] ?? demoPeople[0]?.email;
      const workspaceId = /x-workspace-id: (\S+)'/.exec(request)?.[1];
      const person = demoPeople.find(({ email }) => email === asked);
      const document =
        language === 'sh' ? JSON.parse(/-d '(.+)'/.exec(request)?.[1] ?? '').query : request;
      const exp = Math.floor(Date.now() / 1000) + 600;
      const response = await fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await token({ sub: person?.id, email: asked, exp })}`,
          ...(workspaceId && { 'x-workspace-id': workspaceId }),
        },
        body: JSON.stringify({ query: document }),
      });
      const undated = (text: string) =>
        JSON.parse(text.replace(/"\d{4}-\d\d-\d\dT[^"]+"/g, '"a moment"'));
      expect(undated(await response.text())).toEqual(undated(answer));
      answers += 1;
    }
    expect(answers).toBeGreaterThan(0);
  },
);

it('docs/authentication.md quotes the error for a malformed token', async () => {
  const page = readFileSync('docs/authentication.md', 'utf8');
  const quoted = /^\{"errors":.*UNAUTHENTICATED.*$/m.exec(page)?.[0] ?? '';
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer x' },
    body: '{"query":"{ viewer { id } }"}',
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toEqual(JSON.parse(quoted));
});

it.each(texts)('%s only names codes and metrics that exist', (file) => {
  const names = readFileSync(file, 'utf8').matchAll(/`(codex_[a-z_]+|[A-Z]{2,}(?:_[A-Z]+)+)`/g);
  // The code at the end is GraphQL Yoga's.
  const everything = `${source} ${readFileSync('schema.graphql', 'utf8')} GRAPHQL_VALIDATION_FAILED`;
  const unknown = [...names].filter(
    ([, name = '']) => !new RegExp(`\\b${name}\\b`).test(everything),
  );
  expect(unknown).toEqual([]);
});
