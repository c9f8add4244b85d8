/**
 * What things cost, in points: one stands for about 0.03 ms of a core, the gateway's and the
 * database's together, measured in a workspace with 10,000 alerts. docs/cost.md lists them.
 */
export const weights = {
  /** Every operation, for the person's memberships. */
  operation: 20,
  statement: 20,
  row: 1,
  /** A field without fields of its own, in a row. */
  value: 0.2,
  json: 1,
  /** A to-one relation of a row, and its being part of the statement. */
  toOne: 0.5,
  join: 5,
  /** A list of a row. */
  list: 8,
  /** A row of a read model, which is made of other rows. */
  readModel: 5,
  /** Reading a list from end to end: to count, filter or order it. */
  scan: 100,
  /** The share of it for the list of a row, which is shorter than a list of the workspace. */
  ofRow: 1 / 200,
  /** Searching one table. */
  search: 40,
  /** A look-up of a row: a stored reference, a count or a history. */
  lookup: 2,
  condition: {
    /** Each one, and each value in it, wherever the filter is used. */
    given: 5,
    value: 1,
    /** For the rows that it is applied to: a whole list. */
    plain: 10,
    text: 200,
    character: 2,
    json: 50,
    relation: 150,
    /** Measures of the rows of a relation, which are looked up for each row. */
    measured: 1_500,
  },
  /** A transaction, and a row that it creates, changes or deletes. */
  write: 100,
  writtenRow: 25,
  /** For each list of a deleted row, whose rows are deleted with it. */
  dependents: 2,
} as const;

/**
 * The assumed number of rows in a stored list of references, and in a list without a limit of its
 * own.
 */
export const ASSUMED_ROWS = 10;
