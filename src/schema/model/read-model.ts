import type { PrismaModelTypes, PrismaObjectRef } from '@pothos/plugin-prisma';
import type PrismaTypes from '../../generated/pothos.ts';
import type { ColumnName, ModelName, OneName } from '../../models/descriptor.ts';
import { modelOf } from '../../resolvers/catalog.ts';
import { builder, type Types } from '../builder.ts';
import { anyFields, anyModel, modelRef } from './any-model.ts';
import { columnFields, described, relationFields } from './fields.ts';

/** The description of a database view in the API. */
export interface ReadModelDescriptor<Name extends ModelName> {
  columns: readonly ColumnName<Name>[];
  one?: readonly OneName<Name>[];
}

/**
 * Defines the GraphQL type of a view. It has no id, and is reached from other rows. Returns Pothos'
 * reference to the type.
 */
export function readModel<Name extends ModelName>(
  name: Name,
  { columns, one = [] }: ReadModelDescriptor<Name>,
): PrismaObjectRef<Types, PrismaModelTypes & PrismaTypes[Name], object> {
  builder.prismaObject(anyModel(name), {
    ...described(modelOf(name).documentation),
    select: {},
    fields: (t) => ({
      ...columnFields(anyFields(t), name, columns),
      ...relationFields(anyFields(t), name, one),
    }),
  });
  return modelRef(name);
}
