import { createHash } from 'node:crypto';
import { type ExecutionArgs, getOperationAST, type OperationDefinitionNode } from 'graphql';
import type { ChangeSource } from '../realtime/change-source.ts';
import type { Operation } from './group-execution.ts';
import { assertKeptVariables } from './kept-variables.ts';
import type { createAnalyzer } from './operation-analysis.ts';

/** What a client asked for. */
export interface SubscriptionRequest {
  source: ChangeSource;
  operation: Operation;
  /** The group's key without the audience. */
  key: string;
  isPersonal: boolean;
}

/** Returns what was asked for by an operation whose `subscribe` gave this source. */
export function requestOf(
  analysisOf: ReturnType<typeof createAnalyzer>,
  { document, operationName, variableValues }: ExecutionArgs,
  source: ChangeSource,
): SubscriptionRequest {
  const definition = getOperationAST(document, operationName) as OperationDefinitionNode;
  const analysis = analysisOf(document, definition);
  const { [analysis.afterVariable ?? '']: _after, ...variables } = variableValues ?? {};
  const json = JSON.stringify(variables);
  assertKeptVariables(json);
  const text = JSON.stringify([analysis.text, operationName ?? null, json]);
  return {
    source,
    operation: {
      document,
      operationName: operationName ?? undefined,
      // With the cursor, which may be required, and which no execution reads.
      variableValues: variableValues ?? {},
    },
    // Documents are long, and there are many groups.
    key: createHash('sha256').update(text).digest('base64'),
    isPersonal: analysis.isPersonal(variables),
  };
}
