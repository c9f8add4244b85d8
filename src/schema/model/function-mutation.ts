import type { InputFieldMap } from '@pothos/core';
import type { Context } from '../../context/context.ts';
import type { Column } from '../../generated/catalog.ts';
import { lookupOf, type ModelName } from '../../models/descriptor.ts';
import { columnOf } from '../../resolvers/catalog.ts';
import type { Row } from '../../resolvers/rows.ts';
import { callFunction, type DatabaseFunction } from '../../resolvers/writes/call.ts';
import type { AnyArguments } from './any-model.ts';
import { columnType, upperSnake } from './columns.ts';
import { described } from './fields.ts';
import { common, mutation } from './mutations.ts';
import { bulkPayloadOf, payloadOf } from './payloads.ts';

/** An argument of a mutation, and the parameter of the function that it becomes. */
export interface FunctionArgument {
  /** Default: the argument's name in snake_case. */
  parameter?: string;
  /** The model's column that stores it, which gives it its type, limits and description. */
  column?: string;
  /** Its type, if there is no such column or the column has another type. */
  type?: keyof typeof TYPES | readonly [keyof typeof TYPES];
  required?: boolean;
  description?: string;
}

const TYPES = {
  UUID: { type: 'String', nativeType: 'Uuid' },
  String: { type: 'String' },
  Int: { type: 'Int' },
  Decimal: { type: 'Decimal' },
  Boolean: { type: 'Boolean' },
} as const;

/** A mutation that is a function of the database. */
export interface FunctionMutation {
  /** The model of the row that it writes. It has the payload of the model's other mutations. */
  model: ModelName;
  description: string;
  /** The function's name, in the schema public. */
  sql: string;
  /** The first one names the subject of the mutation. */
  args: Record<string, FunctionArgument>;
  /** Whether it returns several rows. */
  many?: boolean;
  /** Those who may write this model may call it. Default: its own model. */
  writersOf?: ModelName;
  /** Parameters from the request, and how to find the row if the function does not return it. */
  inContext?: (context: Context, args: Row) => Pick<DatabaseFunction, 'fixed' | 'row'>;
  returnsVerdict?: boolean;
  /** Whether it makes a workspace, in which the answer is read. */
  entersWorkspace?: boolean;
  /** Makes the values of `args` from an input with another shape. */
  input?: { args: (arg: AnyArguments) => InputFieldMap; toValues: (given: Row) => Row };
}

/** Every mutation that is a function, with the model whose writers may call it. */
export const functions: { name: string; model: ModelName; writersOf: ModelName }[] = [];

/** Gives Mutation a function of the database. */
export function functionMutation(name: string, options: FunctionMutation): void {
  const { model, description, sql, args, many, writersOf, inContext, returnsVerdict } = options;
  const { input, entersWorkspace } = options;
  const names = { model, lookup: lookupOf(model) };
  const parameters = parametersOf(model, args);
  functions.push({ name, model, writersOf: writersOf ?? model });
  mutation(
    names,
    name,
    description,
    many ? bulkPayloadOf(names) : payloadOf(names),
    many ? ['results', names.lookup] : [names.lookup],
    (arg) => ({ ...(input?.args(arg) ?? argumentsOf(arg, model, args)), ...common(arg) }),
    (write, given) => {
      const values = input?.toValues(given) ?? given;
      const fn: DatabaseFunction = {
        name: sql,
        parameters,
        ...(writersOf ? { writersOf } : {}),
        ...(returnsVerdict ? { returnsVerdict } : {}),
        ...(entersWorkspace ? { entersWorkspace } : {}),
        ...(many ? { many } : {}),
        ...inContext?.(write.context, given),
      };
      return callFunction(write, fn, values);
    },
  );
}

/** The current workspace, for functions with a parameter `workspace`. */
export function inWorkspace({ workspace }: Context): Pick<DatabaseFunction, 'fixed'> {
  return workspace ? { fixed: { workspace: { value: workspace.id, type: 'uuid' } } } : {};
}

function columnFor(model: string, { column, type }: FunctionArgument): Column {
  if (!type) return columnOf(model, column ?? '');
  const [of, isList] = typeof type === 'string' ? [type, false] : [type[0], true];
  return { column: '', kind: 'scalar', isList, isRequired: true, hasDefault: false, ...TYPES[of] };
}

function parametersOf(model: string, args: Record<string, FunctionArgument>) {
  return Object.fromEntries(
    Object.entries(args).map(([name, argument]) => [
      name,
      {
        name: argument.parameter ?? upperSnake(name).toLowerCase(),
        column: columnFor(model, argument),
        ...(argument.column ? { field: argument.column } : {}),
      },
    ]),
  );
}

function argumentsOf(arg: AnyArguments, model: string, args: Record<string, FunctionArgument>) {
  return Object.fromEntries(
    Object.entries(args).map(([name, argument]) => {
      const column = columnFor(model, argument);
      const type = columnType(argument.column ?? name, column);
      const field = arg({
        type: column.isList ? [type] : type,
        required: argument.required ?? false,
        ...described(argument.description ?? column.documentation),
      });
      return [name, field];
    }),
  );
}
