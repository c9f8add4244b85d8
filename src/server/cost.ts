import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../context/errors.ts';
import { limits } from '../resolvers/limits.ts';
import { costOf } from '../schema/cost/operation.ts';
import { isLive } from '../subscriptions/live-queries.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Refuses operations that cost too much, before they run. A subscription is priced by the event and
 * a live query by the execution. Neither is priced again later.
 */
export function useCostLimit(
  maskError: (error: unknown) => GraphQLError,
): Plugin<object, ServerContext> {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { transport } = args.contextValue as ServerContext;
      const isRepeated = transport !== null && isLive(args);
      const refusal = refusalOf(args, isRepeated ? limits.maxEventCost : limits.maxCost, maskError);
      if (refusal) setResultAndStopExecution(refusal);
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const refusal = refusalOf(args, limits.maxEventCost, maskError);
      if (refusal) setResultAndStopExecution(refusal);
    },
  };
}

function refusalOf(
  args: ExecutionArgs,
  limit: number,
  maskError: (error: unknown) => GraphQLError,
): ExecutionResult | undefined {
  // If the operation is invalid, its execution reports that.
  const cost = costOf(args) ?? 0;
  if (cost <= limit) return undefined;
  const [price, most] = [cost, limit].map((points) => points.toLocaleString('en'));
  const message = `The operation costs ${price} points, more than the ${most} that it may: ask for smaller pages, fewer counts or simpler filters.`;
  const error = new GatewayError('QUERY_TOO_COMPLEX', message, {
    status: 400,
    details: { cost, limit },
  });
  return { errors: [maskError(error)] };
}
