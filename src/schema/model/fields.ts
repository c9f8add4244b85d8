import type { Context } from '../../context/context.ts';
import { columnOf, relationOf } from '../../resolvers/catalog.ts';
import { isBounded, shownValue } from '../../resolvers/representable.ts';
import type { Row } from '../../resolvers/rows.ts';
import { isGuarded, loadGuarded } from '../../resolvers/secrets.ts';
import type { Types } from '../builder.ts';
import { priced } from '../cost/price.ts';
import { foundRow, relatedRow } from '../cost/rows.ts';
import { columnType } from './columns.ts';

/** Pothos' field builder of any model. */
export type PrismaFields = PothosSchemaTypes.ObjectFieldBuilder<Types, Row>;

const GUARDED =
  'Null for all but Owners of the current workspace, and agents with the scope global:write.';

/** The fields that show columns of a model as they are. */
export function columnFields(t: PrismaFields, model: string, columns: readonly string[]) {
  return Object.fromEntries(
    columns.map((name) => {
      const column = columnOf(model, name);
      const type = columnType(name, column);
      const options = {
        type: column.isList ? [type] : type,
        // JSON has a null of its own, which a required column may hold.
        nullable: type === 'JSON' || !(column.isRequired || column.isList),
        ...described(column.documentation),
      };
      const field = isGuarded(model, name)
        ? t.field({
            ...options,
            nullable: true,
            description: [column.documentation, GUARDED].filter(Boolean).join(' '),
            ...priced(foundRow),
            select: { id: true },
            resolve: (row: Row, _args: object, context: Context) =>
              loadGuarded(context, model, name, row.id as string),
          } as never)
        : isBounded(column)
          ? t.field({
              ...options,
              select: { [name]: true },
              resolve: (row: Row) => shownValue(model, name, row),
            } as never)
          : t.expose(name as never, options as never);
      return [name, field];
    }),
  );
}

/** The fields that follow to-one relations. */
export function relationFields(t: PrismaFields, model: string, relations: readonly string[]) {
  const fields = t as unknown as { relation(name: string, options: object): never };
  return Object.fromEntries(
    relations.map((name) => {
      const field = fields.relation(name, {
        nullable: true,
        ...priced(relatedRow),
        ...described(relationOf(model, name).documentation),
      });
      return [name, field];
    }),
  );
}

/** Of lists of rows: one that cannot be shown in full is null, and leaves the others. */
export const NULLABLE_ROWS = { list: false, items: true } as const;

/** The same where the list itself can fail. Pothos takes it for relations, though its type does not. */
export const NULLABLE_LIST = { list: true, items: true } as unknown as boolean;

/** The option `description`, for a text that may be missing. */
export function described(description: string | undefined) {
  return description ? { description } : {};
}
