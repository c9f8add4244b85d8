import { setImmediate } from 'node:timers/promises';
import {
  assertValidSchema,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
} from 'graphql';

/** Executes an operation that reads nothing but the schema. */
export type Introspect = (
  args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>,
) => Promise<ExecutionResult>;

/**
 * Returns the function that reads a schema for its clients. What there is to tell of hundreds of types
 * takes a while, so it reads one type a turn and leaves the turns between to others.
 */
export function createIntrospect(schema: GraphQLSchema): Introspect {
  // Of its views it would be in vain.
  assertValidSchema(schema);
  return async ({ document, operationName, variableValues }) =>
    execute({ schema: inTurns(schema), document, operationName, variableValues });
}

/** Returns the schema with types that are there one after the other. */
function inTurns(schema: GraphQLSchema): GraphQLSchema {
  let turn = Promise.resolve();
  // Which only the field `types` reads; a list may have promises.
  const getTypeMap = () =>
    Object.values(schema.getTypeMap()).map((type) => {
      turn = turn.then(() => setImmediate());
      return turn.then(() => type);
    });
  const getType: GraphQLSchema['getType'] = (name) => schema.getType(name);
  return Object.create(schema, { getTypeMap: { value: getTypeMap }, getType: { value: getType } });
}
