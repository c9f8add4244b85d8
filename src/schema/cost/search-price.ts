import { limits } from '../../resolvers/limits.ts';
import { searchedModels } from '../../resolvers/search.ts';
import type { Arguments, Price } from './price.ts';
import { weights } from './weights.ts';

/** The rows of each kind are looked up in one statement. */
const ONE_PER_KIND = searchedModels.size * weights.statement;

/** The price of a search, and of the rows of its page. */
export function searchPrice({ types, first }: Arguments): Price {
  const kinds = Array.isArray(types) ? new Set(types).size : searchedModels.size;
  const size = Math.min(Math.max(Number(first ?? limits.defaultPageSize), 0), limits.maxPageSize);
  const rows = Math.max(size, 1);
  return {
    once: weights.statement + kinds * weights.search + size * weights.row,
    below: {
      edges: { rows },
      nodes: { once: ONE_PER_KIND, each: size * weights.row, rows },
      totals: { rows: kinds },
    },
  };
}

/** The price of a row that was found, and of what a search reads of it to show where its words are. */
export const foundOfAnyKind: Price = { once: ONE_PER_KIND, each: weights.row };

/** The price of the places at which words were found. */
export const snippetsPrice: Price = {
  ...foundOfAnyKind,
  rows: Math.max(...[...searchedModels.values()].map(({ searched }) => searched.length)),
};
