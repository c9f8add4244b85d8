/** Runs a statement and returns its rows. */
export type Query = <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;

/** The database under examination. */
export interface Subject {
  /** Connection string of its owner, or of another role that sees all catalogs. */
  url: string;
  /** Works in a transaction of the check's own, which is rolled back. */
  query: Query;
}

/** What a check came to. */
export interface Finding {
  /** What was looked at, such as `59 tables`. */
  found: string;
  /** What is wrong, one line each; empty when nothing is. */
  problems: string[];
}

/** One thing that has to be true of the database. */
export interface Check {
  /** Stable, for programs that read the report. */
  id: string;
  /** What is true when the check passes. */
  title: string;
  /** What an operator does when it is not. */
  remedy: string;
  /** Whether it tries something out; other checks cannot write even by mistake. */
  writes?: true;
  run(subject: Subject): Promise<Finding>;
}

/** Returns a finding of so many things, with the problems among them. */
export function finding(count: number, noun: string, problems: string[]): Finding {
  return { found: `${count} ${noun}`, problems };
}
