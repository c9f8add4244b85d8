import { uuidOf } from '../../prisma/seed/random.ts';
import type { Table } from '../support/rows.ts';

const TEXTS = ['Alpha', 'beta', 'ALPHA', '100% sure', 'snake_case', 'back\\slash', 'Émile', 'beta'];
const TEXT_LISTS = [['one', 'two'], [], ['two'], ['One', 'a "quoted", {item}'], ['two', 'one']];
const NUMBERS: Record<string, string[]> = {
  smallint: ['0', '-5', '7', '7', '32767'],
  integer: ['0', '-5', '7', '7', '2147483647'],
  bigint: ['0', '-9007199254740993', '7', '7', '9007199254740993'],
  numeric: ['0', '-1.5', '7.25', '7.25', '12345678901234567890.000000000000000001'],
  'double precision': ['0', '-1.5', '0.1', '0.1', '1e+100'],
};
const DATES = ['2026-01-02', '1999-12-31', '2024-02-29', '2024-02-29', '2030-06-15'];
const JSONS = [
  { a: 1, b: { c: 'Alpha' } },
  { a: 'Alpha' },
  { a: '100% SURE', list: [1, 'two', { deep: true, n: 2 }] },
  [1, 'two', [3, 4]],
  'Alpha',
  { a: 5 },
  { a: null },
  7,
];

/**
 * Returns the n-th value of a column, as JSON for Postgres. The first dozen have ties, upper and lower
 * case, wildcards of LIKE, numbers that JavaScript cannot hold and empty lists.
 */
export function variedValue(
  { type, length, labels }: Table['columns'][number],
  n: number,
  distinct: boolean,
): unknown {
  if (labels) return labels[n % labels.length];
  const pick = <T>(values: readonly T[]): T => values[n % values.length] as T;
  switch (type) {
    case 'uuid':
      return uuidOf(`value ${n}`);
    case 'uuid[]':
      return [uuidOf(`value ${n}`)];
    case 'boolean':
      return n % 3 === 0;
    case 'jsonb':
      return pick(JSONS);
    case 'date':
      return distinct ? new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10) : pick(DATES);
    case 'timestamp with time zone':
      return new Date(Date.UTC(2026, 0, 1, (n * 7) % 5, 0, 0, 678)).toISOString();
    case 'text[]':
    case 'character varying[]':
      return pick(TEXT_LISTS);
    case 'text':
    case 'character varying':
      return (distinct ? `${pick(TEXTS)} ${n}` : pick(TEXTS)).slice(-(length ?? 100));
    default: {
      const numbers = NUMBERS[type];
      if (!numbers) throw new Error(`No value is known for ${type}.`);
      return pick(numbers);
    }
  }
}
