/** From what breaks clients to what nobody notices. */
export const SEVERITIES = ['breaking', 'dangerous', 'safe'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A line of a file in the working tree; the path is relative to the folder that is checked. */
export interface Place {
  file: string;
  line: number;
}

/** What one kind of finding means. All parts of the check list theirs in rules.ts. */
export interface Rule {
  /** Kebab-case, and never changed: policies name it. */
  id: string;
  severity: Severity;
  /** What breaks, and for which clients. */
  effect: string;
  /** The safe way to do it. */
  remedy: string;
}

/** One thing that the check found, whichever of its parts did. */
export interface Finding {
  rule: string;
  severity: Severity;
  /** A schema coordinate such as `Campaign.name` or `Query.campaigns(first:)`. */
  path: string;
  /** What is different. */
  message: string;
  effect: string;
  remedy: string;
  /** What caused it. */
  place?: Place;
}

/** Returns a finding of a rule. */
export function found(
  { id, severity, effect, remedy }: Rule,
  path: string,
  message: string,
): Finding {
  return { rule: id, severity, path, message, effect, remedy };
}
