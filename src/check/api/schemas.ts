import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** The schema before a change and after it. */
export interface Schemas {
  base: GraphQLSchema;
  head: GraphQLSchema;
}

/** What a client may send a value for. */
export type InputValue = GraphQLArgument | GraphQLInputField;

/** Returns a field of an object or an interface. */
export function fieldOf(
  schema: GraphQLSchema,
  type: string,
  field: string,
): GraphQLField<unknown, unknown> | undefined {
  const owner = schema.getType(type);
  return isObjectType(owner) || isInterfaceType(owner) ? owner.getFields()[field] : undefined;
}

/** Returns an argument of a field. */
export function argumentOf(
  schema: GraphQLSchema,
  type: string,
  field: string,
  name: string,
): InputValue | undefined {
  return fieldOf(schema, type, field)?.args.find((argument) => argument.name === name);
}

/** Returns a field of an input type. */
export function inputFieldOf(
  schema: GraphQLSchema,
  type: string,
  field: string,
): InputValue | undefined {
  const owner = schema.getType(type);
  return isInputObjectType(owner) ? owner.getFields()[field] : undefined;
}

/** Returns an argument of a directive. */
export function directiveArgumentOf(
  schema: GraphQLSchema,
  directive: string,
  name: string,
): InputValue | undefined {
  return schema.getDirective(directive)?.args.find((argument) => argument.name === name);
}

/** Whether clients have to send the value. */
export function isRequired({ type, defaultValue }: InputValue): boolean {
  return isNonNullType(type) && defaultValue === undefined;
}
