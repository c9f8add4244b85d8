import type { Link } from '../models/descriptor.ts';

/** What a field shows, if one statement can read it without a resolver. */
export type Readable =
  /** A column as the API shows it. */
  | { kind: 'column'; column: string }
  /** The id of the row among all types. */
  | { kind: 'nodeId' }
  /** The row of a to-one relation. */
  | { kind: 'relatedRow'; relation: string }
  /** A page of the rows of a to-many relation. */
  | { kind: 'relatedList'; relation: string }
  /** The rows that a stored reference names. */
  | { kind: 'link'; link: Link }
  /** Groups of a model's rows, or of those that a to-many relation leads to. */
  | { kind: 'aggregate'; model: string; relation: string | null }
  /** The keys that are columns of the row of a to-one relation. */
  | { kind: 'keyOfRelation'; relation: string }
  /** A row by its id, at the root. */
  | { kind: 'row' }
  /** A page of a model's rows, at the root. */
  | { kind: 'list' };

/** The extension of a field that a statement can read. A field without it is executed. */
export function readable(what: Readable) {
  return { readable: what };
}

/** Returns what `readable` said of a field. */
export function readableIn(extensions: Readonly<Record<string, unknown>>): Readable | undefined {
  return extensions.readable as Readable | undefined;
}
