import { GatewayError } from '../context/errors.ts';
import { type Column, catalog } from '../generated/catalog.ts';
import { limits } from './limits.ts';
import { type OrderBy, type Ordering, reversed, toOrderBy } from './ordering.ts';
import { type CursorValues, decodeCursor, encodeCursor, type ReadValue } from './page-cursor.ts';
import { orderingsOf } from './read-ordering.ts';

type Maybe<T> = T | null | undefined;

export interface PageArguments {
  first?: Maybe<number>;
  after?: Maybe<string>;
  last?: Maybe<number>;
  before?: Maybe<string>;
  orderBy?: Maybe<readonly OrderBy[]>;
}

/** Which rows of a list a page shows. */
export interface PageRequest {
  list: string;
  model: string;
  orderings: readonly Ordering[];
  size: number;
  backward: boolean;
  /** The place after which the page starts, in the order in which it is read. */
  cursor: CursorValues | null;
}

/** One page of a list, ready for the database and for its answer. */
export interface Page extends PageRequest {
  /** Prisma's arguments: they read one row more than the page, to find out whether there are more. */
  query: { take: number; orderBy: object[]; where?: object; select: Record<string, true> };
}

export interface Connection<Row> {
  edges: { cursor: string; node: Row }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/**
 * Reads the paging arguments of a list (`list` names it in its cursors) over a model. Throws
 * BAD_USER_INPUT with the wrong argument.
 */
export function readPageRequest(
  list: string,
  model: string,
  args: PageArguments,
  readValue: ReadValue,
): PageRequest {
  const { first, after, last, before } = args;
  refuse('last', first != null && last != null, 'Give either "first" or "last", not both.');
  refuse('before', after != null && before != null, 'Give either "after" or "before", not both.');
  refuse('before', first != null && before != null, '"before" goes with "last", not with "first".');
  refuse('after', last != null && after != null, '"after" goes with "first", not with "last".');
  const [argument, asked] = last == null ? (['first', first] as const) : (['last', last] as const);
  refuse(argument, asked != null && asked < 0, `"${argument}" must not be negative.`);
  refuse(
    argument,
    asked != null && asked > limits.maxPageSize,
    `"${argument}" must be at most ${limits.maxPageSize}: ask for the next page with a cursor.`,
  );
  refuse(
    'orderBy',
    (args.orderBy?.length ?? 0) > limits.maxOrderColumns,
    `"orderBy" takes at most ${limits.maxOrderColumns} entries.`,
  );

  const size = asked ?? limits.defaultPageSize;
  const backward = last != null || before != null;
  const orderings = orderingsOf(model, args.orderBy);
  const given = after ?? before;
  const side = after == null ? 'before' : 'after';
  return {
    list,
    model,
    orderings,
    size,
    backward,
    cursor: given == null ? null : decodeCursor(given, side, list, orderings, readValue),
  };
}

/** The order in which the rows of a page are read, which for one at the end is from there. */
export function readingOrder({ orderings, backward }: PageRequest): readonly Ordering[] {
  return backward ? reversed(orderings) : orderings;
}

/** Returns what Prisma takes to read a page in an order by columns. */
export function queriedPage(request: PageRequest): Page {
  const { orderings, size, cursor } = request;
  const order = readingOrder(request);
  return {
    ...request,
    query: {
      take: size + 1,
      orderBy: toOrderBy(order),
      ...(cursor ? { where: beyond(order, cursor) } : {}),
      select: Object.fromEntries(orderings.map(({ name }) => [name, true])),
    },
  };
}

/** Makes the connection of a page from the rows that its query returned. */
export function toConnection<Row extends Record<string, unknown>>(
  page: Page,
  rows: readonly Row[],
): Connection<Row> {
  return connectionOf(page, rows, (row) =>
    encodeCursor(page.list, page.model, page.orderings, row),
  );
}

/** Makes the connection of a page from what was read for it, one row more if there are more. */
export function connectionOf<Row>(
  page: PageRequest,
  rows: readonly Row[],
  cursorOf: (row: Row) => string,
): Connection<Row> {
  const more = rows.length > page.size;
  const nodes = rows.slice(0, page.size);
  if (page.backward) nodes.reverse();
  // Getters, so that a row without a cursor fails that field alone, and nothing when it is not asked.
  const edges = nodes.map((node) => ({
    get cursor() {
      return cursorOf(node);
    },
    node,
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.backward ? page.cursor !== null : more,
      hasPreviousPage: page.backward ? more : page.cursor !== null,
      get startCursor() {
        return edges[0]?.cursor ?? null;
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null;
      },
    },
  };
}

function refuse(argument: string, wrong: boolean, message: string): void {
  if (wrong) throw new GatewayError('BAD_USER_INPUT', message, { argument });
}

/** The rows behind a place in an order: (a > x) or (a = x and b > y) or … */
function beyond(orderings: readonly Ordering[], values: CursorValues): object {
  const alternatives = orderings.flatMap((ordering, i) => {
    const strictlyBehind = behind(ordering, values[i]);
    if (!strictlyBehind) return [];
    const ties = orderings.slice(0, i).map(({ name }, j) => ({ [name]: { equals: values[j] } }));
    return [{ AND: [...ties, strictlyBehind] }];
  });
  // Implied by the alternatives, and the only part that an index can start from.
  const [leading] = orderings as [Ordering];
  const bound = atOrBehind(leading, values[0]);
  return { AND: [...(bound ? [bound] : []), { OR: alternatives }] };
}

function behind({ name, column, direction, nulls }: Ordering, value: unknown) {
  if (value === null) return nulls === 'last' ? undefined : { [name]: { not: null } };
  const listed = declaredOrder(column);
  let condition: object;
  if (listed) {
    const at = listed.indexOf(value);
    condition = {
      [name]: { in: direction === 'asc' ? listed.slice(at + 1) : listed.slice(0, at) },
    };
    if (column.type === 'Boolean') {
      // No row, as an empty OR would say, were it not ignored inside of another condition.
      condition = value === (direction === 'desc') ? { [name]: !value } : { id: { in: [] } };
    }
  } else {
    condition = { [name]: { [direction === 'asc' ? 'gt' : 'lt']: value } };
  }
  return column.isRequired || nulls === 'first'
    ? condition
    : { OR: [condition, { [name]: { equals: null } }] };
}

function atOrBehind({ name, column, direction, nulls }: Ordering, value: unknown) {
  const nullsBehind = !column.isRequired && nulls === 'last';
  if (value === null || nullsBehind || declaredOrder(column)) return undefined;
  return { [name]: { [direction === 'asc' ? 'gte' : 'lte']: value } };
}

/** The values of a column that Postgres orders but Prisma cannot compare. */
function declaredOrder(column: Column): unknown[] | undefined {
  if (column.type === 'Boolean') return [false, true];
  if (column.kind !== 'enum') return undefined;
  return catalog.enums[column.type]?.values.map(({ name }) => name);
}
