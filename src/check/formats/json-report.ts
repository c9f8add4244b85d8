import { breaks, type Report } from '../report.ts';

/** Returns all of the report for programs. */
export function json(report: Report): string {
  const { base, findings, notes } = report;
  return `${JSON.stringify({ breaking: breaks(report), base, findings, notes }, null, 2)}\n`;
}
