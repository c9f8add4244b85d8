import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../context/errors.ts';
import type { ReadValue } from '../resolvers/page-cursor.ts';
import { needsWorkspace } from '../resolvers/rows.ts';
import { join, prepare, type Sql, Unsupported, type Variables } from '../sql/fragment.ts';
import { Compiler } from './compiler.ts';
import { hasOtherDirectives, type Reading, selectedFields } from './selection.ts';
import { createShape } from './shape.ts';

/** How a query, or a part of it, is answered by one statement. */
export interface Plan {
  /**
   * Returns the statement. Its only row has the JSON text of each field, null where there is no row
   * for it; `first`, if given, is an expression in front of them.
   */
  textWith(first?: string): string;
  /** Returns the values of its parameters. Throws BAD_USER_INPUT for an argument at fault. */
  bind(variables: Variables): unknown[];
  /** The names in the answer of the fields that the statement reads, in the order of its columns. */
  read: readonly string[];
  /** All names in the answer, in its order; the fields of those that have to be executed. */
  fields: ReadonlyMap<string, readonly FieldNode[] | null>;
  /** Whether it is of use in a current workspace only. */
  needsWorkspace: boolean;
}

export interface Reader {
  /**
   * Returns the plan of a valid query for its coerced variables; null when nothing of it can be
   * read by a statement, or when an argument is at fault, which executing the query reports.
   */
  planOf(
    document: DocumentNode,
    operationName: string | null | undefined,
    variables: Variables,
  ): Plan | null;
}

/** Postgres has to parse and plan it. */
const MAX_STATEMENT_CHARACTERS = 100_000;
/** All plans together, in characters of their statements. */
const MAX_PLANS_CHARACTERS = 16 * 1024 * 1024;

interface KnownOperation {
  definition: OperationDefinitionNode;
  shapeOf: (variables: Variables) => string;
  /** Stands for the operation in the keys of plans. */
  number: number;
}

/** Returns what turns queries into statements. Plans are kept for each shape of the variables. */
export function createReader(schema: GraphQLSchema, readValue: ReadValue): Reader {
  const documents = new WeakMap<DocumentNode, Map<string, KnownOperation | null>>();
  const plans = new LRUCache<string, { plan: Plan | null }>({
    maxSize: MAX_PLANS_CHARACTERS,
    sizeCalculation: ({ plan }, key) => key.length + (plan?.textWith().length ?? 0) + 100,
  });
  let count = 0;

  const operationOf = (document: DocumentNode, name: string | null | undefined) => {
    const known = documents.get(document) ?? new Map<string, KnownOperation | null>();
    documents.set(document, known);
    const key = name ?? '';
    let operation = known.get(key);
    if (operation === undefined) {
      const definition = getOperationAST(document, name);
      count += 1;
      operation =
        definition?.operation === OperationTypeNode.QUERY && !hasOtherDirectives(document)
          ? { definition, shapeOf: createShape(schema, definition), number: count }
          : null;
      known.set(key, operation);
    }
    return operation;
  };

  return {
    planOf(document, operationName, variables) {
      const operation = operationOf(document, operationName);
      if (!operation) return null;
      const key = `${operation.number} ${operation.shapeOf(variables)}`;
      const known = plans.get(key);
      if (known) return known.plan;
      try {
        const plan = planQuery(schema, readValue, document, operation.definition, variables);
        plans.set(key, { plan });
        return plan;
      } catch (error) {
        // Another value of the same shape may be right.
        if (error instanceof GatewayError || error instanceof GraphQLError) return null;
        throw error;
      }
    },
  };
}

function planQuery(
  schema: GraphQLSchema,
  readValue: ReadValue,
  document: DocumentNode,
  { selectionSet }: OperationDefinitionNode,
  variables: Variables,
): Plan | null {
  const definitions = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const fragments = new Map(
    definitions.flatMap((each) => ('typeCondition' in each ? [[each.name.value, each]] : [])),
  ) as Reading['fragments'];
  const query = schema.getQueryType();
  if (!query) return null;
  const reading = { schema, fragments, variables };
  const compiler = new Compiler(reading, readValue);
  const fields = new Map<string, readonly FieldNode[] | null>();
  const texts = new Map<string, Sql>();
  let inWorkspace = false;
  for (const [name, nodes] of selectedFields(reading, query, [selectionSet])) {
    const field = query.getFields()[(nodes[0] as FieldNode).name.value];
    const root = field && orExecuted(() => compiler.root(field, nodes));
    fields.set(name, root ? null : nodes);
    if (!root) continue;
    texts.set(name, root.text);
    inWorkspace ||= needsWorkspace(root.model);
  }
  if (texts.size === 0) return null;
  const { text, bind } = prepare(join([...texts.values()], ', '));
  if (text.length > MAX_STATEMENT_CHARACTERS) return null;
  const read = [...texts.keys()];
  return { textWith: selecting(text), bind, read, fields, needsWorkspace: inWorkspace };
}

/** The same text every time: looking for a prepared statement is slow for one that was just made. */
function selecting(columns: string): Plan['textWith'] {
  const known = new Map<string, string>();
  return (first = '') => {
    let text = known.get(first);
    if (text === undefined) {
      text = `select ${first && `${first}, `}${columns}`;
      known.set(first, text);
    }
    return text;
  };
}

/** Returns what is composed, undefined for what has to be executed. */
function orExecuted<T>(compose: () => T): T | undefined {
  try {
    return compose();
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}
