import type { AliasFilter } from './servers/bare-sql.ts';

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];
const STATUSES = ['active', 'acknowledged', 'resolved'];

/** Returns different filters of alerts, one for each alias. */
export function aliasFilters(count: number): AliasFilter[] {
  const both = SEVERITIES.flatMap((severityLevel) =>
    STATUSES.map((status) => ({ severityLevel, status })),
  );
  return [
    ...SEVERITIES.map((severityLevel) => ({ severityLevel })),
    ...STATUSES.map((status) => ({ status })),
    ...both,
  ].slice(0, count);
}
