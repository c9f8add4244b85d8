import type { PrismaModelTypes, PrismaObjectRef } from '@pothos/plugin-prisma';
import type PrismaTypes from '../generated/pothos.ts';
import type { ModelName } from '../models/descriptor.ts';
import { models } from '../models/index.ts';
import type { Types } from './builder.ts';
import { modelRef } from './model/any-model.ts';
import { defineModel } from './model/define-model.ts';

for (const model of models.values()) defineModel(model);

/** Returns Pothos' reference to the type of a table, for adding special fields. */
export function refOf<Name extends ModelName>(
  name: Name,
): PrismaObjectRef<Types, PrismaModelTypes & PrismaTypes[Name], { id: string }> {
  return modelRef(name);
}
