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
import { bytesOf, hasOtherDirectives, type Reading } from './selection.ts';
import { createShape } from './shape.ts';

/** Plans of one operation, and of all with their documents, in bytes. */
const MAX_OPERATION_BYTES = 2 * 1024 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;
/** A statement is kept in a few versions, with what reads its values. */
const BYTES_PER_CHARACTER = 4;
const BYTES_PER_PLAN = 1_000;

/**
 * Returns the plan of a valid operation for its coerced variables; null when there is none, or when
 * an argument is wrong, which executing the operation reports.
 */
export type PlanOf<Plan> = (
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
) => Plan | null;

interface PlannedOperation<Plan> {
  definition: OperationDefinitionNode;
  shapeOf: (variables: Variables) => string;
  /** For each shape of the variables. */
  plans: LRUCache<string, { plan: Plan | null }>;
  /** Plans keep the document in memory: each of its nodes refers to the whole text. */
  documentBytes: number;
}

export interface PlanCacheOptions<Plan> {
  schema: GraphQLSchema;
  type: OperationTypeNode;
  /** Returns null for operations that have to be executed. */
  make(reading: Reading, definition: OperationDefinitionNode): Plan | null;
  /** Characters of its statement. */
  sizeOf(plan: Plan): number;
}

/** Returns what makes plans of operations, one for each shape of their variables, and keeps them. */
export function createPlanCache<Plan>(options: PlanCacheOptions<Plan>): PlanOf<Plan> {
  const { schema, type, make, sizeOf } = options;
  const documents = new WeakMap<DocumentNode, Map<string, PlannedOperation<Plan> | null>>();
  /** Operations that have plans, and their bytes. */
  const kept = new LRUCache<PlannedOperation<Plan>, number>({
    maxSize: MAX_BYTES,
    sizeCalculation: (bytes) => bytes,
    // Bytes that are replaced are of an operation that stays.
    dispose: (_, { plans }, reason) => reason === 'evict' && plans.clear(),
  });

  const operationOf = (document: DocumentNode, name: string | null | undefined) => {
    const known = documents.get(document) ?? new Map<string, PlannedOperation<Plan> | null>();
    documents.set(document, known);
    let operation = known.get(name ?? '');
    if (operation === undefined) {
      const definition = getOperationAST(document, name);
      operation =
        definition?.operation === type && !hasOtherDirectives(document)
          ? {
              definition,
              shapeOf: createShape(schema, definition),
              plans: createPlans(sizeOf),
              documentBytes: bytesOf(document),
            }
          : null;
      known.set(name ?? '', operation);
    }
    return operation;
  };

  return (document, operationName, variables) => {
    const operation = operationOf(document, operationName);
    if (!operation) return null;
    const { plans, definition } = operation;
    const shape = operation.shapeOf(variables);
    const known = plans.get(shape);
    if (known) {
      kept.get(operation);
      return known.plan;
    }
    try {
      const reading = { schema, fragments: fragmentsOf(document), variables };
      const plan = make(reading, definition);
      plans.set(shape, { plan });
      kept.set(operation, operation.documentBytes + plans.calculatedSize);
      return plan;
    } catch (error) {
      // Another value of the same shape may be right.
      if (error instanceof GatewayError || error instanceof GraphQLError) return null;
      throw error;
    }
  };
}

function createPlans<Plan>(
  sizeOf: PlanCacheOptions<Plan>['sizeOf'],
): PlannedOperation<Plan>['plans'] {
  return new LRUCache({
    maxSize: MAX_OPERATION_BYTES,
    sizeCalculation: ({ plan }, shape) =>
      BYTES_PER_PLAN + BYTES_PER_CHARACTER * (shape.length + (plan ? sizeOf(plan) : 0)),
  });
}

function fragmentsOf({ definitions }: DocumentNode): Reading['fragments'] {
  return new Map(
    definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [],
    ),
  );
}
