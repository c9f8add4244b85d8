import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { limits } from '../../resolvers/limits.ts';
import { costWith } from '../../schema/cost/operation.ts';
import type { Variables } from '../../sql/fragment.ts';
import type { DocumentCache } from '../documents.ts';
import { preparedVariables } from '../variables.ts';

const MAX_COSTS = 50;

/** A query or mutation of a document that was parsed and validated before. */
export class KnownOperation {
  readonly document: DocumentNode;
  readonly isMutation: boolean;
  readonly #schema: GraphQLSchema;
  readonly #definition: OperationDefinitionNode;
  readonly #costs = new LRUCache<string, number>({ max: MAX_COSTS });

  constructor(schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) {
    this.#schema = schema;
    this.document = document;
    this.isMutation = definition.operation === OperationTypeNode.MUTATION;
    this.#definition = definition;
  }

  /**
   * Returns the variables as the schema takes them, null for wrong ones. Throws BAD_USER_INPUT for
   * those that are too large.
   */
  coerced(given: Variables): Variables | null {
    const { variableDefinitions = [] } = this.#definition;
    if (variableDefinitions.length === 0) return given;
    const prepared = preparedVariables(this.#schema, this.#definition, given);
    return getVariableValues(this.#schema, variableDefinitions, prepared).coerced ?? null;
  }

  /** Whether it costs no more than an operation may. */
  isAffordable(variables: Variables): boolean {
    const sizes = sizesOf(variables);
    let cost = sizes === null ? undefined : this.#costs.get(sizes);
    if (cost === undefined) {
      cost = costWith(this.#schema, this.document, this.#definition, variables);
      if (sizes !== null) this.#costs.set(sizes, cost);
    }
    return cost <= limits.maxCost;
  }
}

/** What of variables a cost depends on; null if that is not simple to say. */
function sizesOf(variables: Variables): string | null {
  let sizes = '';
  for (const name in variables) {
    const value = variables[name];
    if (typeof value === 'string') sizes += `${name}:${value.length} `;
    else if (typeof value === 'object' && value !== null) return null;
    else sizes += `${name}=${value} `;
  }
  return sizes;
}

/** Returns the look-up of queries and mutations in documents that are known. */
export function createKnownOperations(schema: GraphQLSchema, documents: DocumentCache) {
  const operations = new WeakMap<DocumentNode, Map<string, KnownOperation | null>>();
  return (text: string, name: string | null): KnownOperation | null => {
    const document = documents.get(text);
    if (!document) return null;
    let known = operations.get(document);
    if (!known) {
      known = new Map();
      operations.set(document, known);
    }
    let operation = known.get(name ?? '');
    if (operation === undefined) {
      const definition = getOperationAST(document, name);
      const isOther = !definition || definition.operation === OperationTypeNode.SUBSCRIPTION;
      operation = !isOther ? new KnownOperation(schema, document, definition) : null;
      // Names that a document does not have are as many as clients like.
      if (definition) known.set(name ?? '', operation);
    }
    return operation;
  };
}
