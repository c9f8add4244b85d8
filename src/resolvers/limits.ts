/** Defaults and limits of one request, apart from those of its document and body. */
export const limits = {
  defaultPageSize: 25,
  maxPageSize: 100,
  /** Ids in `nodes(nodeIds:)`. */
  maxNodes: 100,
  /** Columns in one `orderBy`. */
  maxOrderColumns: 5,
  /** Characters of a cursor: those over long texts are long. */
  maxCursorLength: 65_536,
  /** Nesting of `and`, `or` and `not` in a filter. */
  maxFilterDepth: 6,
  /** Comparisons in one filter, over all its levels. */
  maxFilterConditions: 100,
  /** Values in one filter: items of all its lists, and keys and items of its JSON values. */
  maxFilterValues: 500,
  /** Characters of one string in a filter. */
  maxFilterStringLength: 1_000,
  /** Characters of a text that is searched for. */
  maxSearchLength: 200,
  /** Groups of an aggregate at once, also where it does not say how many. */
  maxGroups: 1_000,
  /** Groups of an aggregate of a row that does not say how many. */
  defaultRelatedGroups: 100,
  /** Groups of an aggregate in a file. */
  maxExportedGroups: 1_000_000,
  /** Groups before the first one of a page. */
  maxGroupOffset: 100_000,
  /** Keys of a group. */
  maxGroupKeys: 5,
  /** The measures of each group, and what groups are chosen and ordered by. */
  maxMeasures: 50,
  /** Rows in one bulk mutation, given or matched. */
  maxBulkRows: 500,
  /** Items of one list in an input. */
  maxListItems: 1_000,
  /** Levels of a JSON value, and steps of a path into one. */
  maxJsonDepth: 50,
  /** How long a field of a mutation may work, in milliseconds. */
  writeMs: 20_000,
  /**
   * How long reading its answer may take after that, while others wait for the rows that it
   * changed.
   */
  answerMs: 5_000,
  /** Answers of one idempotency key, in bytes as they are stored. */
  maxIdempotentAnswerBytes: 1_000_000,
  /** Points that an operation may cost. */
  maxCost: 20_000,
  /** Points that each event of a subscription, and each execution of a live query, may cost. */
  maxEventCost: 5_000,
} as const;
