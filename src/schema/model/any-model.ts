// Pothos types its builders for a model that is known at compile time. Most of this schema is built
// from descriptors, whose types refuse unknown columns and relations. This file has types of
// Pothos' builders for any model, and the casts that they need.
import type {
  FieldRef,
  InputFieldMap,
  InputFieldRef,
  InputObjectRef,
  InputTypeParam,
  ObjectRef,
  TypeParam,
} from '@pothos/core';
import {
  getRefFromModel,
  type PrismaModelTypes,
  type PrismaObjectRef,
} from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context/context.ts';
import type PrismaTypes from '../../generated/pothos.ts';
import type { ModelName } from '../../models/descriptor.ts';
import type { Row } from '../../resolvers/rows.ts';
import { builder, type Types } from '../builder.ts';

interface InputOptions {
  required?: boolean;
  description?: string;
  defaultValue?: unknown;
}

type TypedInputOptions = InputOptions & { type: InputTypeParam<Types> };

/** Pothos' builder of arguments. */
export interface AnyArguments {
  (options: TypedInputOptions): InputFieldRef<Types, unknown>;
  boolean(options?: InputOptions): InputFieldRef<Types, unknown>;
  int(options?: InputOptions): InputFieldRef<Types, unknown>;
  string(options?: InputOptions): InputFieldRef<Types, unknown>;
  connectionArgs(): InputFieldMap;
}

/** Pothos' builder of the fields of an input. */
export interface AnyInputFields {
  field(options: TypedInputOptions): InputFieldRef<Types, unknown>;
}

/** Pothos' reference to an input. */
export type AnyInput = InputObjectRef<Types, Row>;

interface Options {
  nullable?: boolean | { list: boolean; items: boolean };
  description?: string;
  args?: InputFieldMap;
  extensions?: object;
}

type Resolver<Parent, Args> = (
  parent: Parent,
  args: Args,
  context: Context,
  info: GraphQLResolveInfo,
) => unknown;

interface FieldOptions<Parent, Args> extends Options {
  type: TypeParam<Types>;
  /** The columns that are read for `resolve`. */
  select?: object;
  resolve: Resolver<Parent, Args>;
  /** For fields of Subscription: what gives the events that `resolve` gets as parents. */
  subscribe?: Resolver<unknown, Args>;
}

/** Pothos' builder of fields: those of a row, unless its parent is something else. */
export interface AnyFields<Parent = Row> {
  arg: AnyArguments;
  expose(column: string, options: Options & { type: TypeParam<Types> }): FieldRef<Types>;
  field<Args = Row>(options: FieldOptions<Parent, Args>): FieldRef<Types>;
  prismaField<Args = Row>(
    options: Options & {
      type: AnyModel | [AnyModel];
      resolve(query: object, parent: Parent, args: Args, context: Context): unknown;
    },
  ): FieldRef<Types>;
  relation(name: string, options: Options): FieldRef<Types>;
}

/** The name that stands for any model: its type is that of one of them. */
type AnyModel = 'Workspace';

/** Returns the name of a model for Pothos' options. */
export function anyModel(name: string): AnyModel {
  return name as AnyModel;
}

/** Returns Pothos' builder of fields, for any parent. */
export function anyFields<Parent = Row>(t: object): AnyFields<Parent> {
  return t as AnyFields<Parent>;
}

/** Returns Pothos' reference to the type of a model whose columns are known at compile time. */
export function modelRef<Name extends ModelName, Shape extends object>(
  name: Name,
): PrismaObjectRef<Types, PrismaModelTypes & PrismaTypes[Name], Shape> {
  return getRefFromModel<Types>(name, builder) as never;
}

/** Returns Pothos' reference to the type of any model. */
export function rowRef(name: string): ObjectRef<Types, Row> {
  return getRefFromModel<Types>(name, builder) as never;
}

/** Returns what a resolver got by a model's name, for Pothos, which asks for the row of one model. */
export function untyped(value: unknown): never {
  return value as never;
}

/** Defines an input, or one that there is a reference to already. */
export function inputType(
  param: string | AnyInput,
  options: {
    description: string;
    isOneOf?: boolean;
    fields: (t: AnyInputFields) => InputFieldMap;
  },
): AnyInput {
  return builder.inputType(param as string, options as never) as never;
}

const inputRefs = new Map<string, AnyInput>();

/** Returns the reference to an input that is defined elsewhere, or later. */
export function inputRef(name: string): AnyInput {
  const ref = inputRefs.get(name) ?? (builder.inputRef<Row>(name) as never as AnyInput);
  inputRefs.set(name, ref);
  return ref;
}

/**
 * For lists that can fail, with rows that can fail. Pothos accepts it for relations, though its
 * type does not.
 */
export const NULLABLE_LIST: boolean = { list: true, items: true } as never;
