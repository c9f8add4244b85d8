import { setImmediate } from 'node:timers/promises';
import {
  assertValidSchema,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
} from 'graphql';

/** Executes an operation that only reads the schema. */
export type Introspect = (
  args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>,
) => Promise<ExecutionResult>;

/**
 * Returns a function that executes introspection queries. There are hundreds of types, so it handles
 * one type per turn of the event loop and lets other requests run in between.
 */
export function createIntrospect(schema: GraphQLSchema): Introspect {
  // The result is stored with the schema, which the views below inherit from.
  assertValidSchema(schema);
  return async ({ document, operationName, variableValues }) =>
    execute({ schema: inTurns(schema), document, operationName, variableValues });
}

/** Returns a view of the schema whose types become available one per turn. */
function inTurns(schema: GraphQLSchema): GraphQLSchema {
  let turn = Promise.resolve();
  // Only `__Schema.types` calls this, and the items of a list may be promises.
  const getTypeMap = () =>
    Object.values(schema.getTypeMap()).map((type) => {
      turn = turn.then(() => setImmediate());
      return turn.then(() => type);
    });
  const getType: GraphQLSchema['getType'] = (name) => schema.getType(name);
  return Object.create(schema, { getTypeMap: { value: getTypeMap }, getType: { value: getType } });
}
