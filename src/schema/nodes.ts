import { decodeGlobalID } from '@pothos/plugin-relay';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { models } from '../models/index.ts';
import { columnOf } from '../resolvers/catalog.ts';
import { limits } from '../resolvers/limits.ts';
import { loadRow } from '../resolvers/loaders.ts';
import { requireScope } from '../resolvers/rows.ts';
import { valueProblem } from '../resolvers/value-problem.ts';
import { builder } from './builder.ts';
import { nodesPrice } from './cost/lists.ts';
import { priced } from './cost/price.ts';
import { foundRow } from './cost/row-prices.ts';
import { untyped } from './model/any-model.ts';
import { readColumn } from './model/columns.ts';
import { selectionOf } from './model/links.ts';

async function loadNode(
  context: Context,
  nodeId: string,
  argument: string,
  info: GraphQLResolveInfo,
) {
  const { model, id } = readNodeId(nodeId, argument);
  requireScope(context, model);
  const row = await loadRow(context, model, 'id', id, selectionOf(context, info, model));
  return row && { __typename: model, ...row };
}

/** The id as an argument of its type would be read, so that both find the same row. */
function readNodeId(nodeId: string, argument: string): { model: string; id: unknown } {
  try {
    const { typename: model, id: text } = decodeGlobalID(nodeId);
    const id = readColumn('id', columnOf(model, 'id'), text);
    if (models.has(model) && !valueProblem(id)) return { model, id };
  } catch {
    // Refused below, like any other text that is no node id.
  }
  throw new GatewayError('BAD_USER_INPUT', `"${argument}" is not a nodeId of this API.`, {
    argument,
  });
}

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'The row with this nodeId; null when there is none that you may see.',
    ...priced(foundRow),
    args: { nodeId: t.arg.id({ required: true }) },
    resolve: (_root, { nodeId }, context, info) =>
      untyped(loadNode(context, String(nodeId), 'nodeId', info)),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: true, items: true },
    description: `The rows with these nodeIds, in their order, with null for each missing row; at most ${limits.maxNodes}.`,
    args: { nodeIds: t.arg.idList({ required: true }) },
    ...priced(nodesPrice),
    resolve: (_root, { nodeIds }, context, info) => {
      if (nodeIds.length > limits.maxNodes) {
        throw new GatewayError(
          'BAD_USER_INPUT',
          `"nodeIds" takes at most ${limits.maxNodes} ids.`,
          {
            argument: 'nodeIds',
          },
        );
      }
      return untyped(
        nodeIds.map((nodeId, i) => loadNode(context, String(nodeId), `nodeIds[${i}]`, info)),
      );
    },
  }),
}));
