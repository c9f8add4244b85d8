import { randomUUID } from 'node:crypto';
import { CHECKS } from '../../src/database/verify/ranges.ts';
import { type Column, catalog } from '../../src/generated/catalog.ts';
import { upperSnake } from '../../src/schema/model/columns.ts';
import type { Row } from '../support/rows.ts';
import { columnOf, type Writable } from './writable.ts';

/** The owners and targets of the sample rows. */
export interface Surroundings {
  /** Rows by table. */
  rows: ReadonlyMap<string, readonly Row[]>;
  /** People of the workspace. */
  people: readonly string[];
}

/** The first status of each state machine. */
export const FIRST_STATUS: Record<string, string> = {
  Campaign: 'draft',
  CampaignQuest: 'pending',
  Move: 'Planning',
  MoveAnomaly: 'Open',
  Experiment: 'running',
  Asset: 'draft',
  IntelligenceSignal: 'new',
  SystemAlert: 'active',
};

/** The shares of these add up to 1. */
const SHARES = ['decisionCriteria', 'journeyDistribution'];
const TEXTS = ['Spring launch', 'Ünïcode "quoted" \\ \' %_ 🚀\n\ttwo lines', 'a'];
const JSONS: unknown[] = [
  { plan: { steps: [1, 'two', null, { deep: true }] }, 'ключ "x"': -0.5 },
  [1, 'two', [3], {}],
  'a text',
  0,
  false,
];
const NUMBERS: Record<string, readonly unknown[]> = {
  Int: [7, 0, 2_147_483_647],
  BigInt: ['42', '-9223372036854775808', '9007199254740993'],
  Decimal: ['12.5', '-0.000000000000000001', '12345678901234567890.123456789'],
  Float: [0.1, -1.5, 1e100],
};
const DATES = ['2026-03-01', '0001-01-01', '9999-12-31', '2024-02-29'];
const MOMENTS = [
  '2026-03-01T09:30:00.123Z',
  '0001-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
];

let serial = 0;

const checkOf = ({ table }: Writable, { column }: Column) =>
  CHECKS[`${table}.${table}_${column}_check`] ?? '';

/** Whether a CHECK refuses only values below 0. */
export function isNotNegative(writable: Writable, column: Column): boolean {
  return /^CHECK \(\(\w+ >= (0|\(0\)::[a-z ]+)\)\)$/.test(checkOf(writable, column));
}

/** The range that a CHECK allows for a column, null if there is none with two ends. */
export function rangeOf(writable: Writable, column: Column): [number, number] | null {
  if (isNotNegative(writable, column)) return null;
  const [low, high] = [...checkOf(writable, column).matchAll(/[>=] \(?(\d+)/g)].map(([, n]) =>
    Number(n),
  );
  if (low === undefined) return null;
  return high === undefined ? [low + 1, 2_147_483_647] : [low, high];
}

/** Returns the n-th of a few values for a column, as a client sends and reads it. */
export function sampleOf(
  writable: Writable,
  name: string,
  n: number,
  around: Surroundings,
): unknown {
  const column = columnOf(writable, name);
  const reference = referenceOf(writable, name, n, around);
  if (reference !== undefined) return reference;
  if (!column.isList) return scalarOf(writable, name, column, n);
  return n % 3 === 1
    ? []
    : [scalarOf(writable, name, column, n), scalarOf(writable, name, column, 0)];
}

/** Returns values for columns of a new row. */
export function sampleRow(
  writable: Writable,
  names: readonly string[],
  n: number,
  around: Surroundings,
) {
  return Object.fromEntries(names.map((name) => [name, sampleOf(writable, name, n, around)]));
}

/** Returns a value for a column of an existing row, and the input that sets it. */
export function changeOf(writable: Writable, name: string, n: number, around: Surroundings) {
  const value = sampleOf(writable, name, n, around);
  const isJson = columnOf(writable, name).type === 'Json';
  return { value, input: { [name]: isJson ? { replace: value } : value } };
}

/** Values that refer to other rows: each row of `n` refers to the n-th of them. */
function referenceOf({ name: model }: Writable, name: string, n: number, around: Surroundings) {
  for (const { to, columns, references } of Object.values(catalog.models[model]?.relations ?? {})) {
    const at = columns.indexOf(name);
    if (at < 0) continue;
    if (to === 'AuthUser') {
      return around.people[n % around.people.length];
    }
    const target = catalog.models[to];
    const rows = around.rows.get(target?.table ?? '') ?? [];
    const column = target?.columns[references[at] as string]?.column as string;
    return rows[n % rows.length]?.[column];
  }
  return undefined;
}

function scalarOf(writable: Writable, name: string, column: Column, n: number): unknown {
  const pick = <T>(values: readonly T[]): T => values[n % values.length] as T;
  if (column.kind === 'enum') {
    const first = writable.status === name ? FIRST_STATUS[writable.name] : undefined;
    const labels = catalog.enums[column.type]?.values.map((value) => value.name) ?? [];
    return (first ?? pick(labels)).toUpperCase();
  }
  const range = rangeOf(writable, column);
  if (range) {
    const value = pick([range[1], range[0]]);
    return column.type === 'Decimal' ? String(value) : value;
  }
  switch (column.type) {
    case 'String':
      return textOf(name, column, n);
    case 'Boolean':
      return n % 2 === 0;
    case 'Json':
      return SHARES.includes(name) ? pick([{ one: 0.25, two: 0.75 }, {}]) : pick(JSONS);
    case 'DateTime':
      return pick(column.nativeType === 'Date' ? DATES : MOMENTS);
    default: {
      const numbers = NUMBERS[column.type] as readonly unknown[];
      return pick(isNotNegative(writable, column) ? numbers.map(withoutSign) : numbers);
    }
  }
}

function withoutSign(number: unknown): unknown {
  if (typeof number === 'number') return Math.abs(number);
  // The least BigInt has no counterpart above 0.
  return String(number).replace(/^-/, '').replace('9223372036854775808', '9223372036854775807');
}

function textOf(name: string, { nativeType, nativeArguments }: Column, n: number): string {
  serial += 1;
  if (nativeType === 'Uuid') return randomUUID();
  if (/(^|[a-z])url$/i.test(name))
    return `https://example.com/${upperSnake(name)}/${serial}?q=%C3%BC`;
  const text = `${TEXTS[n % TEXTS.length]} ${serial}`;
  const longest = Number(nativeArguments?.[0] ?? text.length);
  return [...text].slice(-longest).join('');
}
