import { catalog } from '../../generated/catalog.ts';

const decimalColumns = new Set(
  Object.values(catalog.models).flatMap(({ columns }) =>
    Object.values(columns)
      .filter(({ type }) => type === 'Decimal')
      .map(({ column }) => column),
  ),
);

const MEMBER = /('\w+', "t\d+"\."(\w+)")(?=[,)])/g;
const MAX_TEXTS = 1_000;
const rewritten = new Map<string, string>();

/**
 * Returns the statement with decimals of related rows as text. Prisma reads related rows as JSON,
 * whose numbers JavaScript rounds to 15 digits; it takes a text for a decimal just as well. All
 * values are parameters, so the pattern meets nothing but Prisma's own SQL.
 */
export function keepDecimalsExact(sql: string): string {
  if (!sql.includes('JSONB_BUILD_OBJECT')) return sql;
  let exact = rewritten.get(sql);
  if (exact === undefined) {
    exact = sql.replace(MEMBER, (member, _all, column) =>
      decimalColumns.has(column) ? `${member}::text` : member,
    );
    if (rewritten.size >= MAX_TEXTS) rewritten.clear();
    rewritten.set(sql, exact);
  }
  return exact;
}
