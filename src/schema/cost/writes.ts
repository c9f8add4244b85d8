import { modelOf } from '../../resolvers/catalog.ts';
import { limits } from '../../resolvers/limits.ts';
import type { Row } from '../../resolvers/rows.ts';
import { filterPrice } from './filter-price.ts';
import type { Arguments, Price, PriceOf } from './price.ts';
import { weights } from './weights.ts';

/** The price of a mutation that creates or changes rows of a model, or calls a function. */
export function writePrice(model: string): PriceOf {
  return (args) => pricedFor(model, args, weights.writtenRow);
}

/** The price of one that deletes rows, with the rows that depend on them. */
export function deletePrice(model: string): PriceOf {
  return (args) => {
    // Read models have no rows to delete, and no id.
    const lists = Object.values(modelOf(model).relations).filter(
      ({ isList, to }) => isList && modelOf(to).columns.id,
    );
    return pricedFor(model, args, weights.writtenRow + lists.length * weights.dependents);
  };
}

function pricedFor(model: string, args: Arguments, eachRow: number): Price {
  const { filter, atMost, inputs } = args;
  if (typeof atMost === 'number') {
    const rows = allowed(atMost);
    const { given, scan } = filterPrice(model, filter);
    return bulk(weights.scan + given + scan + rows * eachRow, rows);
  }
  if (Array.isArray(inputs)) {
    const written = inputs.reduce((sum, input) => sum + rowsIn(model, input), 0);
    return bulk(allowed(written) * eachRow, allowed(inputs.length));
  }
  const written = rowsIn(model, args.create ?? args.input);
  return { once: weights.write + allowed(written) * eachRow };
}

function bulk(once: number, rows: number): Price {
  return { once: weights.write + once, below: { results: { rows } } };
}

/**
 * The number of rows, or one if these are too many, because the mutation then refuses them unread.
 */
function allowed(rows: number): number {
  return rows >= 1 && rows <= limits.maxBulkRows ? rows : 1;
}

/** A row, and those of its relations that are created along with it. */
function rowsIn(model: string, input: unknown): number {
  const { relations } = modelOf(model);
  const nested = Object.entries((input ?? {}) as Row).filter(([name]) => relations[name]);
  return nested.reduce((sum, [, rows]) => sum + (Array.isArray(rows) ? rows.length : 0), 1);
}
