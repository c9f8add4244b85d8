import {
  type ExecutionArgs,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isListType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../context/errors.ts';
import { limits } from '../resolvers/limits.ts';

type Variables = Readonly<Record<string, unknown>>;

/** Objects in a filter: its comparisons, each with all the objects around it. */
const MAX_FILTER_OBJECTS = limits.maxFilterConditions * (limits.maxFilterDepth + 4);
/** Nested levels of input objects. A filter at its limits has 10. */
const MAX_DEPTH = 30;

/** Prepares the variables of every operation, by any transport, before graphql-js reads them. */
export function useVariables(): Plugin {
  return {
    onExecute: ({ args }) => prepare(args),
    onSubscribe: ({ args }) => prepare(args),
  };
}

function prepare(args: ExecutionArgs): void {
  const { schema, document, operationName, variableValues } = args;
  const operation = getOperationAST(document, operationName);
  if (operation) args.variableValues = preparedVariables(schema, operation, variableValues ?? {});
}

/**
 * Returns the variables of an operation for graphql-js: a filter that was not sent has no condition.
 * Throws BAD_USER_INPUT for those that are too large.
 */
export function preparedVariables(
  schema: GraphQLSchema,
  { variableDefinitions: definitions = [] }: OperationDefinitionNode,
  given: Variables,
): Variables {
  if (definitions.length === 0) return given;
  const variables: Record<string, unknown> = { ...given };
  for (const { variable, type: node, defaultValue } of definitions) {
    const name = variable.name.value;
    const type = typeFromAST(schema, node) as GraphQLInputType;
    if (Object.hasOwn(variables, name)) assertBounded(type, variables[name], name);
    else if (!defaultValue && isFilter(type)) variables[name] = noCondition(type);
  }
  return variables;
}

/** Throws BAD_USER_INPUT for a value of a variable or an argument that is too large to be read. */
export function assertBounded(type: GraphQLInputType, value: unknown, name: string): void {
  new Bounds().check(type, value, name);
}

/** Types of filters and of their parts. */
function isFilter(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  return isInputObjectType(named) && named.name.endsWith('Filter');
}

/**
 * The filter without a condition, wherever it stands in another one. graphql-js drops a variable
 * that was not sent without a trace: `some: { name: $name }` would become `some: {}`, which matches
 * any row.
 */
function noCondition(type: GraphQLInputType): unknown {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [noCondition(nullable.ofType)];
  return isInputObjectType(nullable) && nullable.getFields().and ? { and: [{}] } : {};
}

/**
 * Refuses a variable whose coercion would take long. graphql-js looks for every field of a type in
 * every object, and prints an object once for each unknown field in it.
 */
class Bounds {
  #filterObjects = 0;

  check(type: GraphQLInputType, value: unknown, path: string, depth = 0): void {
    if (typeof value !== 'object' || value === null) return;
    const nullable = getNullableType(type);
    const named = getNamedType(type);
    // Lists of filters have a bound of their own; those inside of a JSON value have none.
    const isList = isListType(nullable) && Array.isArray(value);
    if (isList && !isFilter(type) && value.length > limits.maxListItems) {
      throw refusal(path, `A list has at most ${limits.maxListItems} items.`);
    }
    if (!isInputObjectType(named)) return;
    if (depth > MAX_DEPTH) throw refusal(path, `Variables nest at most ${MAX_DEPTH} objects.`);
    if (isList) {
      for (const [i, item] of value.entries()) {
        this.check(nullable.ofType, item, `${path}[${i}]`, depth);
      }
      return;
    }
    const fields = named.getFields();
    const names = Object.keys(value);
    const known = Object.keys(fields).length;
    if (names.length > known) {
      throw refusal(path, `${names.length} fields are given where ${named.name} has ${known}.`);
    }
    if (isFilter(named)) this.#countFilterObject(path);
    for (const name of names) {
      const field = fields[name];
      if (field) {
        this.check(field.type, (value as Variables)[name], `${path}.${name}`, depth + 1);
      }
    }
  }

  #countFilterObject(path: string): void {
    this.#filterObjects += 1;
    if (this.#filterObjects > MAX_FILTER_OBJECTS) {
      throw refusal(path, `A filter has at most ${limits.maxFilterConditions} comparisons.`);
    }
  }
}

function refusal(path: string, message: string): GatewayError {
  const options = { argument: path, status: 400 };
  return new GatewayError('BAD_USER_INPUT', `${message} ($${path})`, options);
}
