import { type Check, finding } from './check.ts';
import { TABLE_NAMES, TABLE_OIDS } from './expected-tables.ts';
import { search } from './search-check.ts';

interface Index {
  table: string;
  name: string;
  method: string;
  /** Each key with its operator class and collation. */
  keys: string[];
  /** Direction and place of nulls of each key, as bits. */
  order: number[];
  /** Included columns. */
  included: string[];
  predicate: string | null;
  /** Whether it is unique or backs a constraint. */
  needed: boolean;
  unique: boolean;
  valid: boolean;
}

const INDEXES = `
  select indrelid::regclass::text as table, indexrelid::regclass::text as name, amname as method,
         array(select pg_get_indexdef(indexrelid, n, true) || ' ' || indclass[n - 1] || ' ' || indcollation[n - 1]
               from generate_series(1, indnkeyatts) as n order by n) as keys,
         array(select indoption[n - 1]::int from generate_series(1, indnkeyatts) as n order by n) as order,
         array(select pg_get_indexdef(indexrelid, n, true)
               from generate_series(indnkeyatts + 1, indnatts) as n order by n) as included,
         pg_get_expr(indpred, indrelid) as predicate,
         indisunique as unique, indisvalid and indisready as valid,
         indisunique or exists (select from pg_constraint where conindid = indexrelid) as needed
  from pg_index
  join pg_class on pg_class.oid = indexrelid
  join pg_am on pg_am.oid = relam
  where indrelid in (${TABLE_OIDS})
  order by 1, 2`;

const covered: Check = {
  id: 'foreign-keys-indexed',
  title: 'Every foreign key is covered by an index',
  remedy: 'Create an index that begins with the columns of the foreign key.',
  async run({ query }) {
    const rows = await query<{ name: string; columns: string; covered: boolean }>(
      `select conrelid::regclass || '.' || conname as name,
              (select string_agg(attname, ', ' order by attnum) from pg_attribute
               where attrelid = conrelid and attnum = any(conkey)) as columns,
              exists (
                select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
                where indrelid = conrelid and amname = 'btree' and indisvalid and indpred is null
                  and indnkeyatts >= cardinality(conkey)
                  -- An int2vector counts from 0.
                  and conkey <@ (indkey::int2[])[0:cardinality(conkey) - 1]
              ) as covered
       from pg_constraint where contype = 'f' and conrelid in (${TABLE_OIDS}) order by 1`,
      [TABLE_NAMES],
    );
    const wrong = rows.filter((row) => !row.covered);
    return finding(
      rows.length,
      'foreign keys',
      wrong.map(({ name, columns }) => `${name} (${columns}) has none`),
    );
  },
};

const inOrder: Check = {
  id: 'lists-indexed',
  title: 'Every list of the rows that refer to a row of a workspace can be read newest first',
  remedy:
    'Create an index of the columns of the foreign key, then the moment of creation DESC, and id DESC.',
  async run({ query }) {
    const rows = await query<{ name: string; columns: string; inOrder: boolean }>(
      `select conrelid::regclass || '.' || conname as name,
              (select string_agg(attname, ', ' order by attnum) from pg_attribute
               where attrelid = conrelid and attnum = any(conkey)) as columns,
              exists (
                select from pg_index
                join pg_attribute as third on third.attrelid = indrelid and third.attnum = indkey[2]
                join pg_attribute as fourth on fourth.attrelid = indrelid and fourth.attnum = indkey[3]
                where indrelid = conrelid and indisvalid and indpred is null
                  and conkey <@ (indkey::int2[])[0:1]
                  and third.atttypid = 'timestamptz'::regtype and fourth.attname = 'id'
                  and indoption[2] = 3 and indoption[3] = 3
              ) as "inOrder"
       from pg_constraint
       where contype = 'f' and conrelid in (${TABLE_OIDS}) and cardinality(conkey) = 2
         and (select attnum from pg_attribute where attrelid = conrelid and attname = 'workspace_id') = any(conkey)
       order by 1`,
      [TABLE_NAMES],
    );
    const wrong = rows.filter((row) => !row.inOrder);
    return finding(
      rows.length,
      'references',
      wrong.map(({ name, columns }) => `${name} (${columns}) has no index in this order`),
    );
  },
};

const redundant: Check = {
  id: 'indexes-needed',
  title: 'No index is invalid, or made redundant by another one',
  remedy: 'Drop the redundant index; REINDEX the invalid one.',
  async run({ query }) {
    const indexes = await query<Index>(INDEXES, [TABLE_NAMES]);
    const problems = indexes.flatMap((index) => {
      if (!index.valid) return [`${index.name} is invalid`];
      const other = indexes.find((candidate) => replaces(candidate, index));
      return other ? [`${index.name} is redundant with ${other.name}`] : [];
    });
    return finding(indexes.length, 'indexes', problems);
  },
};

/** Whether `other` can replace `index`. */
function replaces(other: Index, index: Index): boolean {
  if (
    other === index ||
    !other.valid ||
    other.table !== index.table ||
    other.method !== index.method ||
    other.predicate !== index.predicate
  ) {
    return false;
  }
  if (index.needed && !isTwin(other, index)) return false;
  const columns = [...other.keys, ...other.included.map((name) => `${name} `)];
  const holds = (name: string) => columns.some((column) => column.startsWith(`${name} `));
  if (!index.included.every(holds)) return false;
  // The order of columns in a GIN index has no meaning.
  if (index.method === 'gin') return index.keys.every((key) => other.keys.includes(key));
  return startsWith(other.keys, index.keys) && sameOrder(other, index);
}

// Of two that enforce the same, the one that backs no constraint is redundant; of equals, the later
// one.
function isTwin(other: Index, index: Index): boolean {
  return (
    index.unique &&
    other.unique &&
    index.keys.length === other.keys.length &&
    startsWith(other.keys, index.keys) &&
    other.name < index.name
  );
}

function startsWith(keys: string[], start: string[]): boolean {
  return start.every((key, n) => keys[n] === key);
}

// An index is read in both directions. A first column for the tenant is only compared for equality,
// so its direction does not matter.
function sameOrder(other: Index, index: Index): boolean {
  const first = index.keys[0]?.startsWith('workspace_id ') ? 1 : 0;
  const pairs = index.order.slice(first).map((bits, n) => [bits, other.order[n + first]]);
  return (
    pairs.every(([ours, theirs]) => ours === theirs) ||
    // DESC comes with NULLS FIRST: the reverse has both bits turned.
    pairs.every(([ours = 0, theirs]) => (ours ^ 3) === theirs)
  );
}

/** Checks that look-ups and search have indexes, and that no index is needless. */
export const indexChecks = [covered, inOrder, redundant, search];
