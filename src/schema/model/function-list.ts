import type { InputFieldMap } from '@pothos/core';
import type { Context } from '../../context/context.ts';
import type { ModelName } from '../../models/descriptor.ts';
import { listFrom } from '../../resolvers/function-rows.ts';
import { limits } from '../../resolvers/limits.ts';
import type { Row } from '../../resolvers/rows.ts';
import { builder } from '../builder.ts';
import { functionListPrice } from '../cost/lists.ts';
import { priced } from '../cost/price.ts';
import { type AnyArguments, anyFields, anyModel } from './any-model.ts';

/** A list whose rows and order come from a function of the database. */
export interface FunctionList {
  model: ModelName;
  description: string;
  /** The function's name, in the schema public. */
  sql: string;
  /** Values of its parameters, in their order. */
  values: (context: Context, args: Row) => readonly unknown[];
  /** Arguments besides `first`. */
  args?: (arg: AnyArguments) => InputFieldMap;
}

/** Gives Query a function that returns rows of a model, bounded by `first`. */
export function functionList(name: string, options: FunctionList): void {
  const { model, description, sql, values, args } = options;
  builder.queryField(name, (root) => {
    const t = anyFields(root);
    return t.prismaField({
      type: [anyModel(model)],
      nullable: { list: true, items: true },
      description: `${description} At most ${limits.maxPageSize}.`,
      args: {
        first: t.arg.int({ required: true, defaultValue: limits.defaultPageSize }),
        ...args?.(t.arg),
      },
      ...priced(functionListPrice),
      resolve: (query, _root, given: Row & { first: number }, context) =>
        listFrom(context, model, { name: sql, values: values(context, given) }, given.first, query),
    });
  });
}
