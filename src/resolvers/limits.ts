/** What one request may ask for. Every bound that a client can run into stands here. */
export const limits = {
  defaultPageSize: 25,
  maxPageSize: 100,
  /** Ids in `nodes(nodeIds:)`. */
  maxNodes: 100,
  /** Columns in one `orderBy`. */
  maxOrderColumns: 5,
  /** Nesting of `and`, `or` and `not` in a filter. */
  maxFilterDepth: 6,
  /** Comparisons in one filter, over all its levels. */
  maxFilterConditions: 100,
  /** Values in one `in`, `notIn`, `hasSome` or `hasEvery`. */
  maxFilterValues: 500,
  /** Characters of one string in a filter. */
  maxFilterStringLength: 1_000,
  /** Rows that an operation may read at most, as estimated from its page sizes. */
  maxRows: 50_000,
} as const;
