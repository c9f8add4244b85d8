import { readFileSync } from 'node:fs';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';

/** The sender of an operation, and the workspace that they name. */
export type Sender = { workspaceId: string | undefined } & (
  | { kind: 'person'; id: string }
  | { kind: 'agent'; name: string; scopes: readonly string[] }
);

/** An operation on a page of the documentation, which is sent to the demo. */
export interface DocumentedOperation {
  /** The heading above it. */
  heading: string;
  sender: Sender;
  document: string;
  /** The answer as the page shows it. */
  answer: string;
}

/** The parts of a page: a heading, a sender, or an operation with its answer. */
const PIECES = /^## (.+)$|^(As .+)$|^```graphql\n([\s\S]+?)\n```\n\n```json\n([\s\S]+?)\n```$/gm;

/** Reads the operations of a page in `docs`. Throws if an answer belongs to none of them. */
export function documentedOperations(page: string): DocumentedOperation[] {
  const file = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const operations: DocumentedOperation[] = [];
  let heading = '';
  let sender: Sender | undefined;
  for (const [, title, as, document, answer] of file.matchAll(PIECES)) {
    if (title) heading = title;
    if (as) sender = senderOf(as);
    if (sender && document && answer) operations.push({ heading, sender, document, answer });
  }
  if (operations.length !== file.match(/^```json/gm)?.length) {
    throw new Error(`An answer of ${page} belongs to no operation.`);
  }
  return operations;
}

function senderOf(text: string): Sender {
  const workspaceId = demoWorkspaces[0]?.id;
  const [, name, scopeList] = /^As the agent `(\S+)` with `(.+)`/.exec(text) ?? [];
  if (name) {
    const scopes = scopeList?.split(' ') ?? [];
    const isGlobal = scopes[0]?.startsWith('global');
    return { kind: 'agent', name, scopes, workspaceId: isGlobal ? undefined : workspaceId };
  }
  const person = demoPeople.find((each) => text.startsWith(`As ${each.name}`));
  if (!person) throw new Error(`No person is named in: ${text}`);
  const isHere = person.memberships.some(({ workspace }) => workspace === demoWorkspaces[0]?.slug);
  return { kind: 'person', id: person.id, workspaceId: isHere ? workspaceId : undefined };
}

/** Remembers ids of an answer by the name of their field. */
export function remember(data: unknown, known: Map<string, unknown>): void {
  for (const [name, value] of Object.entries((data ?? {}) as object)) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) continue;
    if ('id' in value && value.id) known.set(name, value.id);
    remember(value, known);
  }
}

/** Returns the known values of a document's variables. */
export function variablesOf(document: string, known: ReadonlyMap<string, unknown>) {
  const names = [...document.matchAll(/\$(\w+):/g)].map(([, name]) => name as string);
  return Object.fromEntries(names.map((name) => [name, known.get(name)]));
}
