import type { Price } from './price.ts';
import { ASSUMED_ROWS, weights } from './weights.ts';

/** The price of a row that is looked up: at the root, or by a stored reference. */
export const foundRow: Price = { once: weights.statement, each: weights.row };

/** The price of the rows that a stored list of references names. */
export const foundRows: Price = {
  once: weights.statement,
  each: weights.lookup + ASSUMED_ROWS * weights.row,
  rows: ASSUMED_ROWS,
};

/** The price of a row that is read along with the one that refers to it. */
export const relatedRow: Price = { once: weights.join, each: weights.toOne };

/** The price of a row that has been read already. */
export const knownRow: Price = { each: weights.row };

/** The price of so many rows that have been read already, for each parent row. */
export function knownRows(rows: number): Price {
  return { each: rows * weights.row, rows };
}

/** The price of a row of a read model. */
export const readModelRow: Price = { once: weights.join, each: weights.readModel };

/** The price of so many rows of a read model that reads so many whole lists. */
export function readModelRows(rows: number, lists = 0): Price {
  return {
    once: weights.join,
    each: weights.list + lists * weights.scan + rows * weights.row,
    rows,
  };
}
