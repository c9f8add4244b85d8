import { isDeepStrictEqual } from 'node:util';

/** Labels of enums, which PostGraphile writes as the database does. */
const LABELS = ['alertType', 'severityLevel', 'status'];
/** Numbers as text: PostGraphile keeps zeros at their end. */
const DECIMALS = ['budgetAllocation'];
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** Returns an answer's data in the one shape that all servers' answers have. Throws for an error. */
export function normalized(body: string): unknown {
  const { data, errors } = JSON.parse(body);
  if (errors || !data) throw new Error(`The answer is an error: ${body.slice(0, 2_000)}`);
  return shaped(data, '');
}

function shaped(value: unknown, name: string): unknown {
  if (typeof value === 'string') {
    if (LABELS.includes(name)) return value.toUpperCase();
    if (DECIMALS.includes(name)) return Number(value);
    return MOMENT.test(value) ? new Date(value).toISOString() : value;
  }
  if (Array.isArray(value)) return value.map((item) => shaped(item, name));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, shaped(item, key)]);
  const all: Record<string, unknown> = Object.fromEntries(entries);
  // The gateway returns each created row with its errors; the others return the rows alone.
  return 'systemAlert' in all ? all.systemAlert : all;
}

/** Returns where two answers differ first and how; null when they are the same. */
export function difference(one: unknown, other: unknown, path = 'data'): string | null {
  if (isDeepStrictEqual(one, other)) return null;
  if (isObject(one) && isObject(other)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const below = difference(one[key], other[key], `${path}.${key}`);
      if (below) return below;
    }
  }
  return `${path}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`.slice(0, 500);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
