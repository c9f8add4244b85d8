import { LRUCache } from 'lru-cache';
import { catalog } from '../../generated/catalog.ts';

/** Numbers that JSON cannot hold, or that JavaScript reads with fewer digits. */
const TYPES = ['Decimal', 'Float'];

const numberColumns = new Set(
  Object.values(catalog.models).flatMap(({ columns }) =>
    Object.values(columns)
      .filter(({ type }) => TYPES.includes(type))
      .map(({ column }) => column),
  ),
);

const MEMBER = /('\w+', "t\d+"\."(\w+)")(?=[,)])/g;
const MAX_CHARACTERS = 8 * 1024 * 1024;
const rewritten = new LRUCache<string, string>({
  maxSize: MAX_CHARACTERS,
  sizeCalculation: (exact, sql) => exact.length + sql.length,
});

/**
 * Returns the statement with decimals and floats of related rows as text. Prisma reads related rows
 * as JSON, which has no NaN and whose decimals JavaScript rounds. Prisma also accepts a text for a
 * number. All values are parameters, so the pattern only sees Prisma's own SQL.
 */
export function keepNumbersExact(sql: string): string {
  if (!sql.includes('JSONB_BUILD_OBJECT')) return sql;
  let exact = rewritten.get(sql);
  if (exact === undefined) {
    exact = sql.replace(MEMBER, (member, _all, column) =>
      numberColumns.has(column) ? `${member}::text` : member,
    );
    rewritten.set(sql, exact);
  }
  return exact;
}
