import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/** Receives the types in a document. */
export interface TypeVisitor {
  field(parent: GraphQLNamedType, name: string, type: GraphQLNamedType): void;
  /** The type of a value within another one. */
  input(type: GraphQLNamedType): void;
}

/** Visits all fields of a document, and the values that are written in it. */
export function visitTypes(
  schema: GraphQLSchema,
  document: DocumentNode,
  visitor: TypeVisitor,
): void {
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field({ name }) {
        const parent = types.getParentType();
        const type = getNamedType(types.getType() ?? undefined);
        if (parent && type) visitor.field(parent, name.value, type);
      },
      ObjectField() {
        const type = getNamedType(types.getInputType() ?? undefined);
        if (type) visitor.input(type);
      },
    }),
  );
}

/** Visits the types in a variable's value, its own included. */
export function visitValue(
  type: GraphQLInputType,
  value: unknown,
  visitType: TypeVisitor['input'],
): void {
  const named = getNamedType(type);
  if (value === null || value === undefined || !isInputObjectType(named)) return;
  visitType(named);
  if (Array.isArray(value)) {
    for (const item of value) visitValue(named, item, visitType);
    return;
  }
  const fields = named.getFields();
  for (const [name, inner] of Object.entries(value as object)) {
    const field = fields[name];
    if (field) visitValue(field.type, inner, visitType);
  }
}
