import { createSourceEventStream, type GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../context/errors.ts';
import { ChangeSource } from '../realtime/change-source.ts';
import type { SubscriptionHub } from '../subscriptions/hub.ts';
import { isLive } from '../subscriptions/live-queries.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Answers subscriptions and live queries with result streams of the hub. Without a hub they are
 * refused, since the gateway reads no changes then.
 */
export function useSubscriptions(
  hub: SubscriptionHub | null,
  maskError: (error: unknown) => GraphQLError,
): Plugin<object, ServerContext> {
  const served = (): SubscriptionHub => {
    if (hub) return hub;
    throw new GatewayError('SERVICE_UNAVAILABLE', 'Subscriptions are not served here.');
  };
  return {
    onExecute({ args, setExecuteFn }) {
      const { transport } = args.contextValue as ServerContext;
      // A client that accepts no stream gets one answer.
      if (transport === null || !isLive(args)) return;
      setExecuteFn((query) => {
        try {
          return served().openLive(query);
        } catch (error) {
          return { errors: [maskError(error)] };
        }
      });
    },
    onSubscribe({ args: { contextValue }, setSubscribeFn, subscribeFn }) {
      const { lastEventId } = contextValue as ServerContext;
      setSubscribeFn(async (args) => {
        const source: unknown = await createSourceEventStream(args);
        // Errors of the operation, or a stream that is not ours.
        if (!(source instanceof ChangeSource))
          return 'errors' in Object(source) ? source : subscribeFn(args);
        try {
          return await served().open(source, args, lastEventId);
        } catch (error) {
          return { errors: [maskError(error)] };
        }
      });
    },
  };
}
