/** The ends of the parts of a list of related rows in Prisma's SQL. */
const MARKER = /\/\* (root|inner|middle) select \*\//g;
/** The rows of a parent, all of them. */
const ROOT = /^\(SELECT ("t\d+")\.\* FROM \S+ AS \1 WHERE (?:\([^()]*\)|[^()]*) $/;
/** The filter, the order and the limit of the list. */
const PAGE = /^\) AS ("t\d+")(.* WHERE .*)( ORDER BY (?:\1\."\w+"[A-Z ,]*)+ LIMIT \$\d+) $/;
/** A statement that reads a list with related rows. */
const LIST = /^(SELECT .*? FROM )(\S+ AS "t0".*?)( LEFT JOIN LATERAL .*)$/;
const FIRST_PAGE = /^(.* WHERE .*)( ORDER BY (?:"t0"\."\w+"[A-Z ,]*)+)( LIMIT \$\d+)$/;
const EVERY_ROW = '1=1';

/**
 * Returns the statement with pages cut before related rows are read. Prisma joins related rows to
 * every row of the list and cuts the page at the end, so a list in a list in a list is read a
 * thousand times for ten rows. All values are parameters, so the patterns only see Prisma's own
 * SQL. SQL of another form stays as it is.
 */
export function cutPagesEarly(sql: string): string {
  return sql.includes(' LEFT JOIN LATERAL ') ? cutFirst(cutRelated(sql)) : sql;
}

/** Cuts the pages of lists of related rows. */
function cutRelated(sql: string): string {
  const edits: { at: number; to: number; text: string }[] = [];
  const roots: number[] = [];
  let inner = 0;
  for (const { 1: part, 0: marker, index } of sql.matchAll(MARKER)) {
    if (part === 'root') roots.push(index);
    else if (part === 'inner') inner = index + marker.length;
    else edits.push(...cut(sql, roots.pop() ?? 0, inner, index));
  }
  edits.sort((one, other) => one.at - other.at);
  let result = '';
  let position = 0;
  for (const { at, to, text } of edits) {
    result += sql.slice(position, at) + text;
    position = to;
  }
  return result + sql.slice(position);
}

function cut(sql: string, root: number, inner: number, middle: number) {
  const start = sql.lastIndexOf('(SELECT ', root);
  const rows = sql.slice(start, root);
  const page = PAGE.exec(sql.slice(inner, middle));
  if (!page || !ROOT.test(rows)) return [];
  const [, name, filtered, taken] = page;
  return [
    {
      at: start,
      to: root,
      text: `(SELECT ${name}.* FROM ${rows.trimEnd()}) AS ${name}${filtered}${taken} `,
    },
    { at: inner, to: middle, text: `) AS ${name} WHERE ${EVERY_ROW}${taken} ` },
  ];
}

/** Cuts the page of the list that the statement is about. */
function cutFirst(sql: string): string {
  const [, selected, rows, joined = ''] = LIST.exec(sql) ?? [];
  const end = endOfLaterals(joined);
  const page = FIRST_PAGE.exec(joined.slice(end));
  if (!rows || !page) return sql;
  const [, filtered, order, taken] = page;
  const early = `SELECT "t0".* FROM ${rows}${filtered}${order}${taken}`;
  return `${selected}(${early}) AS "t0"${joined.slice(0, end)}${order}`;
}

const LATERAL = ' LEFT JOIN LATERAL ';
const ON_TRUE = /^ AS "\w+" ON true/;

/** Returns the end of the lateral joins at the beginning of the text. */
function endOfLaterals(sql: string): number {
  let at = 0;
  while (sql.startsWith(LATERAL, at)) {
    const close = closing(sql, at + LATERAL.length);
    at = close + (ON_TRUE.exec(sql.slice(close))?.[0].length ?? 0);
  }
  return at;
}

/** Returns the position after the parenthesis that closes the one at `open`. */
function closing(sql: string, open: number): number {
  let depth = 0;
  for (const { 0: character, index } of sql.slice(open).matchAll(/[()]/g)) {
    depth += character === '(' ? 1 : -1;
    if (depth === 0) return open + index + 1;
  }
  return sql.length;
}
