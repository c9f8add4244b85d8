import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  type OperationDefinitionNode,
  type TypeNode,
  typeFromAST,
} from 'graphql';
import { catalog } from '../generated/catalog.ts';
import type { Variables } from '../sql/fragment.ts';

/** Returns the part of a value on which the statements of an operation depend, as a text. */
type ShapeOf = (value: unknown) => string;

/**
 * Returns a function whose result differs for coerced variables that need another statement: they
 * differ in what is null or left out, the fields of inputs, the length of lists of inputs, booleans,
 * orders, or page sizes. All other values are parameters.
 */
export function createShape(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): (variables: Variables) => string {
  const shapes = variableDefinitions.map(({ variable, type }) => {
    const shapeOf = shapeOfType(inputType(schema, type), true);
    const name = variable.name.value;
    return (variables: Variables) => shapeOf(variables[name]);
  });
  return (variables) => shapes.map((shapeOf) => shapeOf(variables)).join(';');
}

function inputType(schema: GraphQLSchema, type: TypeNode): GraphQLInputType {
  // A document is validated before it is read.
  return typeFromAST(schema, type as never) as GraphQLInputType;
}

function shapeOfType(given: GraphQLInputType, isVariable: boolean): ShapeOf {
  const type = getNullableType(given) as GraphQLInputType;
  const known = (shapeOf: ShapeOf): ShapeOf => {
    return (value) => (value === undefined ? 'u' : value === null ? 'n' : shapeOf(value));
  };
  if (isListType(type)) {
    const items = shapeOfType(type.ofType, false);
    const isStructure = isInputObjectType(getNullableType(type.ofType));
    return known(
      isStructure ? (value) => `[${(value as unknown[]).map(items).join()}]` : () => 'l',
    );
  }
  if (isInputObjectType(type)) return known(shapeOfInput(type.getFields()));
  // Page sizes are variables, or stand in the document.
  const isStructure =
    (isEnumType(type) && !(type.name in catalog.enums)) ||
    type.name === 'Boolean' ||
    (type.name === 'Int' && isVariable);
  return known(isStructure ? String : () => 's');
}

function shapeOfInput(fields: Record<string, { type: GraphQLInputType }>): ShapeOf {
  // Inputs refer to themselves, so their fields are looked at when they are used.
  const shapes = new Map<string, ShapeOf>();
  const shapeOfField = (name: string): ShapeOf => {
    let shapeOf = shapes.get(name);
    const field = fields[name];
    if (!shapeOf && field) {
      shapeOf = shapeOfType(field.type, false);
      shapes.set(name, shapeOf);
    }
    return shapeOf ?? (() => '');
  };
  return (value) => {
    const entries = Object.entries(value as object);
    return `{${entries.map(([name, item]) => `${name}:${shapeOfField(name)(item)}`).join()}}`;
  };
}
