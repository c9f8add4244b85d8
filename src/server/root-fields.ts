import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type TypeNode,
  visit,
} from 'graphql';
import { selectedFields } from '../read/selection.ts';

type Variables = Readonly<Record<string, unknown>>;

/** A document of which one operation is executed. */
export interface Operation {
  definition: OperationDefinitionNode;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

export function operationOf(
  document: DocumentNode,
  definition: OperationDefinitionNode,
): Operation {
  const fragments = document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
  return { definition, fragments: new Map(fragments.map((each) => [each.name.value, each])) };
}

/** Returns the fields at the root of an operation by their names in the answer, in its order. */
export function rootFields(
  schema: GraphQLSchema,
  { definition, fragments }: Operation,
  variables: Variables,
): Map<string, FieldNode[]> {
  const root = schema.getRootType(definition.operation);
  if (!root) return new Map();
  const reading = { schema, fragments, variables: conditionsOf(schema, definition, variables) };
  return selectedFields(reading, root, [definition.selectionSet]);
}

/** Returns a document for some of an operation's root fields, with the variables that they use. */
export function documentFor(
  { definition, fragments }: Operation,
  fields: readonly FieldNode[],
): DocumentNode {
  const variables = new Set<string>();
  const spread = new Set<string>();
  const look = (node: FieldNode | FragmentDefinitionNode) => {
    visit(node, {
      Variable({ name }) {
        variables.add(name.value);
      },
      FragmentSpread({ name: { value } }) {
        const fragment = fragments.get(value);
        if (!fragment || spread.has(value)) return;
        spread.add(value);
        look(fragment);
      },
    });
  };
  fields.forEach(look);
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        ...definition,
        variableDefinitions: (definition.variableDefinitions ?? []).filter(({ variable }) =>
          variables.has(variable.name.value),
        ),
        selectionSet: { kind: Kind.SELECTION_SET, selections: fields },
      },
      ...[...fragments.values()].filter(({ name }) => spread.has(name.value)),
    ],
  };
}

/** Returns the document of an operation without fields, with all of its variables. */
export function withoutFields({ definition }: Operation): DocumentNode {
  const selectionSet = { kind: Kind.SELECTION_SET, selections: [] } as const;
  return { kind: Kind.DOCUMENT, definitions: [{ ...definition, selectionSet }] };
}

/** The values of variables that conditions can have. */
function conditionsOf(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Variables,
): Variables {
  const named = (type: TypeNode): string =>
    type.kind === Kind.NAMED_TYPE ? type.name.value : named(type.type);
  const booleans = variableDefinitions.filter(({ type }) => named(type) === 'Boolean');
  return getVariableValues(schema, booleans, variables).coerced ?? {};
}
