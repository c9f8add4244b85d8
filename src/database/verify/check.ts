/** Runs a statement and returns its rows. */
export type Query = <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;

/** The database that is checked. */
export interface Subject {
  /** Connection string of its owner, or of another role that sees all catalogs. */
  url: string;
  /** Runs in a transaction that is rolled back. */
  query: Query;
}

/** The result of a check. */
export interface Finding {
  /** What was looked at, such as `59 tables`. */
  found: string;
  /** What is wrong, one line each; empty when nothing is. */
  problems: string[];
}

/** A property that the database must have. */
export interface Check {
  /** Stable, for programs that read the report. */
  id: string;
  /** What is true when the check passes. */
  title: string;
  /** What an operator has to do otherwise. */
  remedy: string;
  /** Whether it writes something to try it out. Other checks run in a read-only transaction. */
  writes?: true;
  run(subject: Subject): Promise<Finding>;
}

/** Returns a finding about so many things, with their problems. */
export function finding(count: number, noun: string, problems: string[]): Finding {
  return { found: `${count} ${noun}`, problems };
}
