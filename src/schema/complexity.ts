import { complexityFromQuery } from '@pothos/plugin-complexity';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Context } from '../context/context.ts';
import { limits } from '../resolvers/limits.ts';
import { tooComplex } from './builder.ts';

/** Throws QUERY_TOO_COMPLEX for a document of one operation that may read too much. */
export function assertAffordable(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
  context: Context,
): void {
  const { complexity } = complexityFromQuery(document, { schema, variables, ctx: context });
  if (complexity > limits.maxRows) throw tooComplex(complexity);
}
