import {
  type ArgumentNode,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  Kind,
  type OperationDefinitionNode,
  print,
  TypeInfo,
  typeFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { PERSONAL_MODELS } from '../../realtime/audience.ts';

/** What can be told of an operation before it runs. */
export interface OperationPlan {
  /** The document without the cursor to go on from, in which alone equal subscriptions differ. */
  text: string;
  /** The variable that is the cursor to go on from, and nothing else. */
  afterVariable: string | undefined;
  /** Whether what it reads differs between the members of a workspace. */
  isPersonal(variables: Readonly<Record<string, unknown>>): boolean;
}

const PERSONAL_TYPES = new Set([
  'Viewer',
  ...[...PERSONAL_MODELS].flatMap((model) =>
    ['', 'Connection', 'Edge', 'Change', 'Filter', 'RelationFilter'].map((end) => model + end),
  ),
]);

/** Returns the function that plans the operations of a schema; plans are kept as long as documents. */
export function createPlanner(schema: GraphQLSchema) {
  const plans = new WeakMap<DocumentNode, Map<string, OperationPlan>>();
  return (document: DocumentNode, operation: OperationDefinitionNode): OperationPlan => {
    const name = operation.name?.value ?? '';
    const ofDocument = plans.get(document) ?? new Map<string, OperationPlan>();
    plans.set(document, ofDocument);
    let plan = ofDocument.get(name);
    if (!plan) {
      plan = planOf(schema, document, operation);
      ofDocument.set(name, plan);
    }
    return plan;
  };
}

function planOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationPlan {
  const afterVariable = cursorVariable(document);
  const readsPersonal = namesPersonalType(schema, document);
  const inputs = (operation.variableDefinitions ?? []).map(({ variable, type }) => ({
    name: variable.name.value,
    type: typeFromAST(schema, type) as GraphQLInputType,
  }));
  return {
    text: withoutCursor(document),
    afterVariable,
    isPersonal: (variables) =>
      readsPersonal || inputs.some(({ name, type }) => holdsPersonal(type, variables[name])),
  };
}

/** The argument `after` of the fields at the root of a subscription, wherever they are written. */
function cursorVariable(document: DocumentNode): string | undefined {
  let found: string | undefined;
  eachRootCursor(document, (value) => {
    if (value.kind === Kind.VARIABLE) found = value.name.value;
  });
  if (found === undefined) return undefined;
  let uses = 0;
  visit(document, {
    VariableDefinition: () => false,
    Variable({ name }) {
      if (name.value === found) uses += 1;
    },
  });
  return uses === 1 ? found : undefined;
}

function withoutCursor(document: DocumentNode): string {
  const cursors = new Set<object>();
  eachRootCursor(document, (_value, argument) => cursors.add(argument));
  return print(visit(document, { Argument: (node) => (cursors.has(node) ? null : undefined) }));
}

function eachRootCursor(
  document: DocumentNode,
  found: (value: ArgumentNode['value'], argument: ArgumentNode) => void,
): void {
  for (const definition of document.definitions) {
    const isRoot =
      (definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription') ||
      (definition.kind === Kind.FRAGMENT_DEFINITION &&
        definition.typeCondition.name.value === 'Subscription');
    if (!isRoot) continue;
    visit(definition, {
      Field(field) {
        for (const argument of field.arguments ?? []) {
          if (argument.name.value === 'after') found(argument.value, argument);
        }
        // Lists further in have cursors of their own.
        return false;
      },
    });
  }
}

function namesPersonalType(schema: GraphQLSchema, document: DocumentNode): boolean {
  const types = new TypeInfo(schema);
  let personal = false;
  const note = (type: { name: string } | null | undefined) => {
    if (type && PERSONAL_TYPES.has(type.name)) personal = true;
  };
  visit(
    document,
    visitWithTypeInfo(types, {
      Field() {
        note(types.getParentType());
        note(getNamedType(types.getType() ?? undefined));
      },
      ObjectField: () => note(getNamedType(types.getInputType() ?? undefined)),
    }),
  );
  return personal;
}

function holdsPersonal(type: GraphQLInputType, value: unknown): boolean {
  const named = getNamedType(type);
  if (value === null || value === undefined || !isInputObjectType(named)) return false;
  if (PERSONAL_TYPES.has(named.name)) return true;
  if (Array.isArray(value)) return value.some((item) => holdsPersonal(named, item));
  const fields = named.getFields();
  return Object.entries(value as object).some(([name, inner]) => {
    const field = fields[name];
    return field !== undefined && holdsPersonal(field.type, inner);
  });
}
