import { readFileSync } from 'node:fs';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';

/** Whoever sends an operation, and the workspace that they name. */
export type Speaker = { workspaceId: string | undefined } & (
  | { kind: 'person'; id: string }
  | { kind: 'agent'; name: string; scopes: readonly string[] }
);

/** An operation that a page of the documentation sends to the demo. */
export interface ToldOperation {
  /** What it stands under. */
  heading: string;
  speaker: Speaker;
  document: string;
  /** The answer as the page shows it. */
  told: string;
}

/** What a page may have in front of an answer: a heading, a speaker, or an operation. */
const PIECES = /^## (.+)$|^(As .+)$|^```graphql\n([\s\S]+?)\n```\n\n```json\n([\s\S]+?)\n```$/gm;

/** Reads the operations of a page in `docs`. Throws if it shows an answer to none of them. */
export function toldOperations(page: string): ToldOperation[] {
  const file = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const operations: ToldOperation[] = [];
  let heading = '';
  let speaker: Speaker | undefined;
  for (const [, title, as, document, told] of file.matchAll(PIECES)) {
    if (title) heading = title;
    if (as) speaker = speakerOf(as);
    if (speaker && document && told) operations.push({ heading, speaker, document, told });
  }
  if (operations.length !== file.match(/^```json/gm)?.length) {
    throw new Error(`An answer of ${page} is to no operation.`);
  }
  return operations;
}

function speakerOf(text: string): Speaker {
  const workspaceId = demoWorkspaces[0]?.id;
  const [, name, told] = /^As the agent `(\S+)` with `(.+)`/.exec(text) ?? [];
  if (name) {
    const scopes = told?.split(' ') ?? [];
    const isGlobal = scopes[0]?.startsWith('global');
    return { kind: 'agent', name, scopes, workspaceId: isGlobal ? undefined : workspaceId };
  }
  const person = demoPeople.find((each) => text.startsWith(`As ${each.name}`));
  if (!person) throw new Error(`Nobody is named in: ${text}`);
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

/** Returns what is known of a document's variables. */
export function variablesOf(document: string, known: ReadonlyMap<string, unknown>) {
  const names = [...document.matchAll(/\$(\w+):/g)].map(([, name]) => name as string);
  return Object.fromEntries(names.map((name) => [name, known.get(name)]));
}
