import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DocumentNode, Kind, parse, validate } from 'graphql';
import { expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { costWith } from '../../src/schema/cost/operation.ts';
import { schema } from '../../src/schema/index.ts';
import { examples } from '../../src/server/graphiql/examples.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The largest share of the limit that an example may cost. */
const SHARE = 0.2;

function filesIn(folder: string): string[] {
  return readdirSync(`${ROOT}/${folder}`, { recursive: true })
    .map((name) => `${folder}/${name}`)
    .filter((name) => name.endsWith('.ts'));
}

/** Returns the documents that fit the schema among the code blocks and the strings of a file. */
function documentsIn(file: string): DocumentNode[] {
  const text = readFileSync(`${ROOT}/${file}`, 'utf8');
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string);
  const strings = (file.endsWith('.md') ? blocks : [text]).flatMap(
    (code) => code.match(/`[^`]*`|'[^'\n]*'|"(?:[^"\\\n]|\\.)*"/g) ?? [],
  );
  const found = [...blocks, ...strings.map((string) => string.slice(1, -1).replaceAll('\\"', '"'))];
  return found.filter((code) => code.includes('{')).flatMap(parsed);
}

function parsed(code: string): DocumentNode[] {
  try {
    const document = parse(code);
    return validate(schema, document).length === 0 ? [document] : [];
  } catch {
    return [];
  }
}

/** The costs of a document's operations, as shares of the limit. */
function sharesOf(document: DocumentNode, variables = {}): number[] {
  return document.definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return [];
    const isLive = definition.directives?.some(({ name }) => name.value === 'live');
    const isRepeated = isLive || definition.operation === 'subscription';
    const cost = costWith(schema, document, definition, variables);
    expect(cost).toBeGreaterThan(0);
    return [cost / (isRepeated ? limits.maxEventCost : limits.maxCost)];
  });
}

it.each([
  ['docs/getting-started.md', 1],
  ['docs/querying.md', 4],
  ['docs/analytics.md', 7],
  ['docs/mutations.md', 5],
  ['docs/workflows.md', 19],
  ['docs/subscriptions.md', 6],
  ['tests/clients', 3],
  ['tests/workflows', 13],
])('the documents of %s cost little', (path, least) => {
  const files = path.endsWith('.md') ? [path] : filesIn(path);
  const documents = files.flatMap(documentsIn);
  expect(documents.length).toBeGreaterThanOrEqual(least);
  expect(Math.max(...documents.flatMap((each) => sharesOf(each)))).toBeLessThanOrEqual(SHARE);
});

it('the page about prices has the cost of its example, and the limits', () => {
  const page = readFileSync(`${ROOT}/docs/cost.md`, 'utf8');
  const [document] = documentsIn('docs/cost.md');
  const [share = 0] = sharesOf(document as DocumentNode);
  const points = (cost: number) => `${cost.toLocaleString('en')}`;
  expect(page).toContain(`it costs ${points(share * limits.maxCost)} points`);
  expect(page).toContain(`**${points(limits.maxCost)}** points`);
  expect(page).toContain(`**${points(limits.maxEventCost)}** for each event`);
});

it.each(examples.map(({ query, variables }) => [query.split('\n', 1)[0], query, variables]))(
  'the tab of GraphiQL costs little: %s',
  (_, query, variables) => {
    const shares = sharesOf(parse(query as string), variables as object);
    expect(Math.max(...shares)).toBeLessThanOrEqual(SHARE);
  },
);
