import type { Rule } from '../finding.ts';
import type { Report } from '../report.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { json } from './json-report.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { sarif } from './sarif.ts';
import { terminal } from './terminal.ts';

export interface FormatOptions {
  /** Whether to list all safe changes. */
  all: boolean;
  colors: boolean;
  rules: ReadonlyMap<string, Rule>;
  /** The file that a finding without a place is shown at. */
  schemaFile: string;
}

const WRITERS = { terminal, json, junit, sarif, github, gitlab, markdown };
export type Format = keyof typeof WRITERS;
export const FORMATS = [
  'terminal',
  'json',
  'junit',
  'sarif',
  'github',
  'gitlab',
  'markdown',
] as const;

/** Returns a report in a format, with a line break at its end. */
export function formatted(report: Report, format: Format, options: FormatOptions): string {
  return WRITERS[format](report, options);
}
