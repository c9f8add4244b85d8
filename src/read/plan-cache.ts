import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../context/errors.ts';
import type { Variables } from '../sql/fragment.ts';
import { hasOtherDirectives, type Reading } from './selection.ts';
import { createShape } from './shape.ts';

/** All plans of a cache together, in characters of their statements. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/**
 * Returns the plan of a valid operation for its coerced variables; null when there is none, or when
 * an argument is at fault, which executing the operation reports.
 */
export type PlanOf<Plan> = (
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
) => Plan | null;

interface KnownOperation {
  definition: OperationDefinitionNode;
  shapeOf: (variables: Variables) => string;
  /** Stands for the operation in the keys of plans. */
  number: number;
}

export interface PlanCacheOptions<Plan> {
  schema: GraphQLSchema;
  type: OperationTypeNode;
  /** Returns null for what has to be executed. */
  make(reading: Reading, definition: OperationDefinitionNode): Plan | null;
  /** Characters of its statement. */
  sizeOf(plan: Plan): number;
}

/** Returns what makes plans of operations, one for each shape of their variables, and keeps them. */
export function createPlanCache<Plan>(options: PlanCacheOptions<Plan>): PlanOf<Plan> {
  const { schema, type, make, sizeOf } = options;
  const documents = new WeakMap<DocumentNode, Map<string, KnownOperation | null>>();
  const plans = new LRUCache<string, { plan: Plan | null }>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: ({ plan }, key) => key.length + (plan ? sizeOf(plan) : 0) + 100,
  });
  let count = 0;

  const operationOf = (document: DocumentNode, name: string | null | undefined) => {
    const known = documents.get(document) ?? new Map<string, KnownOperation | null>();
    documents.set(document, known);
    let operation = known.get(name ?? '');
    if (operation === undefined) {
      const definition = getOperationAST(document, name);
      count += 1;
      operation =
        definition?.operation === type && !hasOtherDirectives(document)
          ? { definition, shapeOf: createShape(schema, definition), number: count }
          : null;
      known.set(name ?? '', operation);
    }
    return operation;
  };

  return (document, operationName, variables) => {
    const operation = operationOf(document, operationName);
    if (!operation) return null;
    const key = `${operation.number} ${operation.shapeOf(variables)}`;
    const known = plans.get(key);
    if (known) return known.plan;
    try {
      const reading = { schema, fragments: fragmentsOf(document), variables };
      const plan = make(reading, operation.definition);
      plans.set(key, { plan });
      return plan;
    } catch (error) {
      // Another value of the same shape may be right.
      if (error instanceof GatewayError || error instanceof GraphQLError) return null;
      throw error;
    }
  };
}

function fragmentsOf({ definitions }: DocumentNode): Reading['fragments'] {
  return new Map(
    definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [],
    ),
  );
}
