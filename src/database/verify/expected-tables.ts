import { type Column, catalog, type Model } from '../../generated/catalog.ts';
import { VIEWS } from './expected.ts';

const views = new Set<string>(VIEWS);
const publicModels = Object.values(catalog.models).filter(({ schema }) => schema === 'public');

/** The tables of the Prisma schema. */
export const TABLES: readonly Model[] = publicModels.filter(({ table }) => !views.has(table));
/** Their names. */
export const TABLE_NAMES: readonly string[] = TABLES.map(({ table }) => table);
/** Names of those whose `updated_at` a trigger keeps. */
export const STAMPED_TABLES: readonly string[] = TABLES.filter(
  ({ columns }) => columns.updatedAt,
).map(({ table }) => table);

/** Selects the `oid`s of those that the database has; `$1` is TABLE_NAMES. */
export const TABLE_OIDS = `select oid from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname = any($1)`;

const NATIVE_TYPES: Record<string, string> = {
  Uuid: 'uuid',
  VarChar: 'character varying',
  Text: 'text',
  Decimal: 'numeric',
  Date: 'date',
};
const SCALAR_TYPES: Record<string, string> = {
  String: 'text',
  Boolean: 'boolean',
  Int: 'integer',
  BigInt: 'bigint',
  Float: 'double precision',
  Json: 'jsonb',
};

/** Returns a column's type as Postgres writes it with an empty search_path, such as `character varying(50)[]`. */
export function postgresType(column: Column): string {
  return `${elementType(column)}${column.isList ? '[]' : ''}`;
}

function elementType({ kind, type, nativeType, nativeArguments = [] }: Column): string {
  if (kind === 'enum') return `public.${catalog.enums[type]?.type ?? type}`;
  const [argument] = nativeArguments;
  if (nativeType === 'Timestamptz') return `timestamp(${argument ?? 6}) with time zone`;
  const name = nativeType ? NATIVE_TYPES[nativeType] : SCALAR_TYPES[type];
  if (!name) throw new Error(`No Postgres type is known for ${nativeType ?? type}.`);
  return argument === undefined ? name : `${name}(${nativeArguments.join(',')})`;
}

/** A reference from columns of one table to columns of another. */
export interface Reference {
  table: string;
  columns: string[];
  target: string;
  targetColumns: string[];
}

/** The references of the Prisma schema. */
export const REFERENCES: readonly Reference[] = TABLES.flatMap((model) =>
  Object.values(model.relations).flatMap((relation): Reference[] => {
    const target = catalog.models[relation.to];
    if (relation.columns.length === 0 || !target || views.has(target.table)) return [];
    return [
      {
        table: model.table,
        columns: relation.columns.map((field) => columnOf(model, field)),
        target: `${target.schema}.${target.table}`,
        targetColumns: relation.references.map((field) => columnOf(target, field)),
      },
    ];
  }),
);

function columnOf(model: Model, field: string): string {
  const column = model.columns[field]?.column;
  if (!column) throw new Error(`${model.table} has no column for ${field}.`);
  return column;
}
