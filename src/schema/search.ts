import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context/context.ts';
import { limits } from '../resolvers/limits.ts';
import { loadRow } from '../resolvers/loaders.ts';
import {
  type Found,
  type Hit,
  loadSnippets,
  type SearchedModel,
  type Snippet,
  search,
  searchedModels,
} from '../resolvers/search.ts';
import type { Part } from '../resolvers/search-words.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { foundOfAnyKind, searchPrice, snippetsPrice } from './cost/search-price.ts';
import { rowRef, untyped } from './model/any-model.ts';
import { NULLABLE_ROWS } from './model/fields.ts';
import { selectionOf } from './model/links.ts';

const SearchType = builder.enumType('SearchType', {
  description: 'A type whose rows are searched.',
  values: [...searchedModels.keys()],
});

const SearchResult = builder.unionType('SearchResult', {
  description: 'A row that a search found.',
  types: [...searchedModels.values()].map(({ name }) => rowRef(name)),
});

async function load({ kind, id }: Hit, context: Context, info: GraphQLResolveInfo) {
  const { name } = searchedModels.get(kind) as SearchedModel;
  const row = await loadRow(context, name, 'id', id, selectionOf(context, info, name));
  return row && { __typename: name, ...row };
}

const SearchSnippetPart = builder.objectRef<Part>('SearchSnippetPart').implement({
  description: 'A piece of a text, to be shown behind the one before it.',
  fields: (t) => ({
    text: t.exposeString('text', { nullable: false }),
    isMatch: t.exposeBoolean('isMatch', {
      nullable: false,
      description: 'Whether these are words that were searched for, and so to be marked.',
    }),
  }),
});

const SearchSnippet = builder.objectRef<Snippet>('SearchSnippet').implement({
  description: 'A text of a row, or the place in it where words were found.',
  fields: (t) => ({
    field: t.exposeString('field', {
      nullable: false,
      description: 'The field of the row that has the text: "description".',
    }),
    parts: t.expose('parts', { type: [SearchSnippetPart], nullable: false }),
  }),
});

const SearchEdge = builder.objectRef<Found['edges'][number]>('SearchEdge').implement({
  description: 'A row that was found, with where and how well.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { nullable: false }),
    type: t.field({
      type: SearchType,
      nullable: false,
      resolve: ({ hit }) => hit.kind,
    }),
    score: t.int({
      nullable: false,
      description:
        'How well the row fits, to compare rows of one search by: words of its title count most, whole words more than beginnings.',
      resolve: ({ hit }) => hit.score,
    }),
    node: t.field({
      type: SearchResult,
      nullable: true,
      ...priced(foundOfAnyKind),
      resolve: ({ hit }, _args, context, info) => untyped(load(hit, context, info)),
    }),
    snippets: t.field({
      type: [SearchSnippet],
      nullable: false,
      description: 'The title, and each other text with words that were searched for.',
      ...priced(snippetsPrice),
      resolve: ({ hit }, _args, context) => loadSnippets(context, hit),
    }),
  }),
});

const SearchTotal = builder.objectRef<Found['totals'][number]>('SearchTotal').implement({
  description: 'How many rows of a type were found.',
  fields: (t) => ({
    type: t.expose('type', { type: SearchType, nullable: false }),
    totalCount: t.exposeInt('totalCount', { nullable: false }),
  }),
});

const SearchConnection = builder.objectRef<Found>('SearchConnection').implement({
  description: 'A page of what a search found, best first.',
  fields: (t) => ({
    edges: t.expose('edges', { type: [SearchEdge], nullable: NULLABLE_ROWS }),
    nodes: t.field({
      type: [SearchResult],
      nullable: NULLABLE_ROWS,
      description: 'The rows of the page, without their cursors.',
      resolve: ({ edges }, _args, context, info) =>
        untyped(edges.map(({ hit }) => load(hit, context, info))),
    }),
    pageInfo: t.expose('pageInfo', { type: builder.pageInfoRef(), nullable: false }),
    totalCount: t.exposeInt('totalCount', {
      nullable: false,
      description: 'How many rows were found, on all pages.',
    }),
    totals: t.expose('totals', {
      type: [SearchTotal],
      nullable: false,
      description: 'How many of each type that was searched.',
    }),
    isApproximate: t.exposeBoolean('isApproximate', {
      nullable: false,
      description:
        'Whether nothing has all of the words as they are, and some were taken for misspelt.',
    }),
  }),
});

builder.queryField('search', (t) =>
  t.field({
    type: SearchConnection,
    nullable: true,
    description: `Rows of the current workspace, and agents, with all of these words or with words that begin with them, best first: ${limits.defaultPageSize} of them, at most ${limits.maxPageSize}. Without any, rows whose titles resemble misspelt words.`,
    args: {
      text: t.arg.string({
        required: true,
        description: `At most ${limits.maxSearchLength} characters. Capitals, accents and punctuation do not matter.`,
      }),
      types: t.arg({ type: [SearchType], description: 'Default: all of them.' }),
      first: t.arg.int(),
      after: t.arg.string(),
    },
    ...priced(searchPrice),
    resolve: (_root, args, context) => search(context, args),
  }),
);
