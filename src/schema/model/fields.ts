import { readable } from '../../read/readable.ts';
import { columnOf, relationOf } from '../../resolvers/catalog.ts';
import { isBounded, shownValue } from '../../resolvers/representable.ts';
import { isGuarded, loadGuarded } from '../../resolvers/secrets.ts';
import { priced } from '../cost/price.ts';
import { foundRow, relatedRow } from '../cost/row-prices.ts';
import type { AnyFields } from './any-model.ts';
import { type ColumnType, columnType } from './columns.ts';

const GUARDED =
  'Null for all but Owners of the current workspace, and agents with the scope global:write.';

/** The fields that show columns of a model as they are. */
export function columnFields(t: AnyFields, model: string, columns: readonly string[]) {
  return Object.fromEntries(
    columns.map((name) => {
      const column = columnOf(model, name);
      const type = columnType(name, column);
      const shown: ColumnType | [ColumnType] = column.isList ? [type] : type;
      const options = {
        type: shown,
        extensions: readable({ kind: 'column', column: name }),
        // JSON has a null of its own, which a required column may hold.
        nullable: type === 'JSON' || !(column.isRequired || column.isList),
        ...described(column.documentation),
      };
      const field = isGuarded(model, name)
        ? t.field({
            ...options,
            nullable: true,
            description: [column.documentation, GUARDED].filter(Boolean).join(' '),
            // Null for those who may not read it: the policies cannot say that, so it is not compiled.
            extensions: priced(foundRow).extensions,
            select: { id: true },
            resolve: (row, _args, context) => loadGuarded(context, model, name, row.id as string),
          })
        : isBounded(column)
          ? t.field({
              ...options,
              select: { [name]: true },
              resolve: (row) => shownValue(model, name, row),
            })
          : t.expose(name, options);
      return [name, field];
    }),
  );
}

/** The fields that follow to-one relations. */
export function relationFields(t: AnyFields, model: string, relations: readonly string[]) {
  return Object.fromEntries(
    relations.map((name) => {
      const field = t.relation(name, {
        nullable: true,
        extensions: {
          ...priced(relatedRow).extensions,
          ...readable({ kind: 'relatedRow', relation: name }),
        },
        ...described(relationOf(model, name).documentation),
      });
      return [name, field];
    }),
  );
}

/** Of lists of rows: one that cannot be shown in full is null, and leaves the others. */
export const NULLABLE_ROWS = { list: false, items: true } as const;

/** The option `description`, for a text that may be missing. */
export function described(description: string | undefined) {
  return description ? { description } : {};
}
