import { z } from 'zod';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { requireWorkspace } from '../context/workspace.ts';
import type { DescribedModel } from '../models/descriptor.ts';
import { models } from '../models/index.ts';
import { requirePageSize } from './function-rows.ts';
import { limits } from './limits.ts';
import { loadRow } from './loaders.ts';
import { type Part, partsAround, readWords, type Words } from './search-words.ts';
import { textProblem } from './value-problem.ts';

/** A table that is searched. */
export interface SearchedModel extends DescribedModel {
  searched: NonNullable<DescribedModel['searched']>;
}

/** The tables that are searched, by their kind: `SYSTEM_ALERT`. */
export const searchedModels: ReadonlyMap<string, SearchedModel> = new Map(
  [...models.values()].flatMap((model) => {
    const { name, searched } = model;
    const kind = name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
    return searched ? [[kind, { ...model, searched }] as const] : [];
  }),
);

export interface SearchArguments {
  text: string;
  types?: readonly string[] | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}

/** A row that was found, and what it was found by. */
export interface Hit {
  kind: string;
  id: string;
  /** From 0 to about 4,000,000. */
  score: number;
  /** When it was created, in milliseconds since 1970. */
  moment: number;
  words: Words;
}

/** What a search found: one page of it, and how much there is in all. */
export interface Found {
  edges: { cursor: string; hit: Hit }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  totalCount: number;
  totals: { type: string; totalCount: number }[];
  isApproximate: boolean;
}

/** The columns of a row in which words were found, with its title in any case. */
export interface Snippet {
  field: string;
  parts: Part[];
}

interface FoundRow {
  kind: string;
  total: number;
  approximate: boolean;
  id: string | null;
  score: number | null;
  moment: string | null;
}

/**
 * Searches the current workspace, in one statement. Throws WORKSPACE_REQUIRED without one, and
 * BAD_USER_INPUT with the argument at fault.
 */
export async function search(context: Context, args: SearchArguments): Promise<Found> {
  requireWorkspace(context);
  const size = args.first ?? limits.defaultPageSize;
  requirePageSize(size);
  const words = readText(args.text);
  const kinds = [...new Set(args.types ?? searchedModels.keys())];
  const after = args.after == null ? null : readCursor(args.text, args.after);
  const rows = await context.database.query<FoundRow>(
    'SELECT * FROM gateway.search($1, $2, $3, $4, $5, $6, $7)',
    [
      args.text,
      kinds,
      size + 1,
      after?.score ?? null,
      after?.moment ?? null,
      after?.kind ?? null,
      after?.id ?? null,
    ],
  );
  const isApproximate = rows.some(({ approximate }) => approximate);
  const hits = rows.flatMap(({ kind, id, score, moment }) =>
    id === null || score === null
      ? []
      : [
          {
            kind,
            id,
            score,
            moment: Number(moment),
            words: { ...words, mayBeMisspelt: isApproximate },
          },
        ],
  );
  const edges = hits.slice(0, size).map((hit) => ({ cursor: cursorOf(args.text, hit), hit }));
  const totals = kinds.map((type) => ({
    type,
    totalCount: rows.find(({ kind }) => kind === type)?.total ?? 0,
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: hits.length > size,
      hasPreviousPage: after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: totals.reduce((sum, { totalCount }) => sum + totalCount, 0),
    totals,
    isApproximate,
  };
}

/** Returns where the words are in a row that was found; nothing for one that is gone. */
export async function loadSnippets(context: Context, { kind, id, words }: Hit): Promise<Snippet[]> {
  const { name, searched } = searchedModels.get(kind) as SearchedModel;
  const select = Object.fromEntries(searched.map((column) => [column, true]));
  const row = await loadRow(context, name, 'id', id, { select });
  if (!row) return [];
  return searched.flatMap((field, n) => {
    const texts = [row[field] ?? []].flat() as string[];
    const found = texts.map((text) => partsAround(text, words));
    const best = found.find((parts) => parts.some(({ isMatch }) => isMatch));
    const parts = best ?? (n === 0 ? found[0] : undefined);
    return parts ? [{ field, parts }] : [];
  });
}

function readText(text: string): Words {
  const refuse = (message: string) =>
    new GatewayError('BAD_USER_INPUT', message, { argument: 'text' });
  const problem = textProblem(text);
  if (problem) throw refuse(problem);
  if (text.length > limits.maxSearchLength) {
    throw refuse(
      `"text" has at most ${limits.maxSearchLength} characters: a few words find more than a long text, since all of them have to be there.`,
    );
  }
  const words = readWords(text);
  if (words.whole.length === 0 && words.beginnings.length === 0) {
    throw refuse(
      '"text" needs a word, or the beginning of one, with two letters or digits at least, such as "ma"; signs such as % and & find nothing.',
    );
  }
  return words;
}

/** A cursor belongs to a text, since scores do. */
function cursorOf(text: string, { score, moment, kind, id }: Hit): string {
  return Buffer.from(JSON.stringify([`search: ${text}`, score, moment, kind, id])).toString(
    'base64url',
  );
}

const Place = z.tuple([z.int32(), z.int(), z.enum([...searchedModels.keys()]), z.uuid()]);

function readCursor(text: string, cursor: string): Omit<Hit, 'words'> {
  const refuse = (message: string) =>
    new GatewayError('BAD_USER_INPUT', message, { argument: 'after' });
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // Refused below, like any other text that is no cursor.
  }
  const [from, ...values] = Array.isArray(decoded) ? decoded : [];
  const place = Place.safeParse(values);
  if (!place.success) throw refuse('"after" is not a cursor of a search.');
  if (from !== `search: ${text}`) {
    throw refuse(
      '"after" is a cursor of a search for another text: use one that this text returned.',
    );
  }
  const [score, moment, kind, id] = place.data;
  return { score, moment, kind, id };
}
