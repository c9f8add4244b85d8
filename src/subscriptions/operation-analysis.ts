import {
  type ArgumentNode,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  print,
  typeFromAST,
  visit,
} from 'graphql';
import { personalModels } from '../models/index.ts';
import { modelNamed } from '../schema/model/type-names.ts';
import { visitTypes, visitValue } from './document-types.ts';
import { Reads } from './reads.ts';

/** What is known of an operation before it runs. */
export interface OperationAnalysis {
  /** The document without the cursor to resume from, which is the only difference between equal subscriptions. */
  text: string;
  /** The variable that is only used as the cursor to resume from. */
  afterVariable: string | undefined;
  /** Whether what it reads differs between the members of a workspace. */
  isPersonal(variables: Variables): boolean;
  /** What it reads. */
  reads(variables: Variables): Reads;
}

type Variables = Readonly<Record<string, unknown>>;

/** Queries whose rows need not be of the current workspace, or of no model in particular. */
const PERSONAL_QUERIES = new Set([
  'node',
  'nodes',
  'viewer',
  'workspace',
  'workspaces',
  'workspacesAggregate',
]);

/** The part of an analysis that all operations of a document share. */
interface DocumentAnalysis extends Pick<OperationAnalysis, 'text' | 'afterVariable'> {
  namesPersonal: boolean;
  /** What the document itself reads, without its variables. */
  reads(): Reads;
}

/** Returns the function that analyzes the operations of a schema; analyses are kept as long as documents. */
export function createAnalyzer(schema: GraphQLSchema) {
  const analyses = new WeakMap<DocumentNode, DocumentAnalysis>();
  return (document: DocumentNode, operation: OperationDefinitionNode): OperationAnalysis => {
    // Per document, not per operation: a document may have hundreds of operations.
    const analysis = analyses.get(document) ?? analyzeDocument(schema, document);
    analyses.set(document, analysis);
    return analyzeOperation(schema, analysis, operation);
  };
}

function analyzeDocument(schema: GraphQLSchema, document: DocumentNode): DocumentAnalysis {
  let namesReads: Reads | undefined;
  return {
    text: withoutCursor(document),
    afterVariable: cursorVariable(document),
    namesPersonal: namesPersonalType(schema, document),
    reads() {
      namesReads ??= readsOf(schema, document);
      return namesReads.copy();
    },
  };
}

function analyzeOperation(
  schema: GraphQLSchema,
  { text, afterVariable, namesPersonal, reads }: DocumentAnalysis,
  { variableDefinitions = [] }: OperationDefinitionNode,
): OperationAnalysis {
  const inputs = variableDefinitions.map(({ variable, type }) => ({
    name: variable.name.value,
    type: typeFromAST(schema, type) as GraphQLInputType,
  }));
  return {
    text,
    afterVariable,
    isPersonal(variables) {
      let personal = namesPersonal;
      for (const { name, type } of inputs) {
        visitValue(type, variables[name], (each) => {
          personal ||= isPersonalType(each);
        });
      }
      return personal;
    },
    reads(variables) {
      const found = reads();
      for (const { name, type } of inputs) {
        visitValue(type, variables[name], (each) => found.input(each));
      }
      return found;
    },
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
  let personal = false;
  visitTypes(schema, document, {
    field(parent, name, type) {
      personal ||= isPersonalType(parent) || isPersonalType(type);
      personal ||= parent === schema.getQueryType() && PERSONAL_QUERIES.has(name);
    },
    input(type) {
      personal ||= isPersonalType(type);
    },
  });
  return personal;
}

function readsOf(schema: GraphQLSchema, document: DocumentNode): Reads {
  const reads = new Reads(schema);
  visitTypes(schema, document, reads);
  return reads;
}

/** Whether a type shows, or filters by, rows that differ between members of a workspace. */
function isPersonalType({ name }: GraphQLNamedType): boolean {
  return name === 'Viewer' || personalModels.has(modelNamed(name));
}
