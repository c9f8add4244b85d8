import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context/context.ts';
import type { Link } from '../../models/descriptor.ts';
import { readable } from '../../read/readable.ts';
import { columnOf, modelOf } from '../../resolvers/catalog.ts';
import { loadRow, loadRows } from '../../resolvers/loaders.ts';
import { priced } from '../cost/price.ts';
import { foundRow, foundRows } from '../cost/row-prices.ts';
import { type AnyFields, rowRef } from './any-model.ts';
import { NULLABLE_ROWS } from './fields.ts';

/**
 * The fields that follow a model's links, and the ones that show the people behind its ids. They are
 * look-ups of their own, batched over all rows of the answer.
 */
export function linkFields(
  t: AnyFields,
  model: string,
  { links = {}, people = [] }: { links?: Record<string, Link>; people?: readonly string[] },
) {
  const { columns, relations } = modelOf(model);
  const all: Record<string, Link> = { ...links };
  for (const person of people) {
    const column = relations[person]?.columns[0] as string;
    all[person] = {
      column,
      to: 'UserProfile',
      description: profileOf(columns[column]?.documentation),
    };
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, link]) => {
      const { isList } = columnOf(model, link.column);
      return [name, isList ? linkedRows(t, link) : linkedRow(t, link)];
    }),
  );
}

function linkedRow(t: AnyFields, link: Link) {
  const { column, to, by = 'id', description } = link;
  return t.field({
    type: rowRef(to),
    nullable: true,
    description:
      description ??
      `The ${to} that ${column} names; null when it is deleted or you may not see it.`,
    extensions: { ...priced(foundRow).extensions, ...readable({ kind: 'link', link }) },
    select: { [column]: true },
    resolve: (row, _args, context, info) => {
      const value = row[column];
      return value == null ? null : loadRow(context, to, by, value, selectionOf(context, info, to));
    },
  });
}

function linkedRows(t: AnyFields, link: Link) {
  const { column, to, by = 'id', description } = link;
  return t.field({
    type: [rowRef(to)],
    nullable: NULLABLE_ROWS,
    description:
      description ??
      `The rows that ${column} lists, in its order and with its duplicates; rows that are deleted or that you may not see are left out.`,
    extensions: { ...priced(foundRows).extensions, ...readable({ kind: 'link', link }) },
    select: { [column]: true },
    resolve: (row, _args, context, info) =>
      loadRows(
        context,
        to,
        by,
        (row[column] as unknown[] | null) ?? [],
        selectionOf(context, info, to),
      ),
  });
}

/**
 * What the document selects of the linked rows, for Prisma. Asked for every row: Pothos remembers
 * for each which selection its linked row will be filled with.
 */
export function selectionOf(context: Context, info: GraphQLResolveInfo, typeName: string): object {
  return queryFromInfo({ context, info, typeName });
}

function profileOf(column: string | undefined): string {
  return `${column ?? 'The person.'} Null also for a person who is not a member of the workspace.`;
}
