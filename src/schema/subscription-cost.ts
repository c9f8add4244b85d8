import SchemaBuilder, { BasePlugin, type SchemaTypes } from '@pothos/core';
import { PothosComplexityPlugin } from '@pothos/plugin-complexity';
import type { GraphQLFieldResolver } from 'graphql';

const SubscriptionCostPlugin = 'subscriptionCost';

export default SubscriptionCostPlugin;

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      subscriptionCost: SubscriptionCost<Types>;
    }
  }
}

/**
 * Refuses a subscription that costs too much when it is made. The complexity plugin, whose costs
 * and limit these are, would refuse every event of it instead.
 */
class SubscriptionCost<Types extends SchemaTypes> extends BasePlugin<Types> {
  readonly #complexity = new PothosComplexityPlugin<Types>(this.buildCache, 'complexity');

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
  ): typeof subscribe {
    if (!subscribe) return undefined;
    return (root, args, context, info) => {
      this.#complexity.checkComplexity(context, info);
      return subscribe(root, args, context, info);
    };
  }
}

SchemaBuilder.registerPlugin(SubscriptionCostPlugin, SubscriptionCost);
