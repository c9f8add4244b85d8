import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import type { Context } from '../context/context.ts';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';
import { readable } from '../read/readable.ts';
import type { ScalarTypes } from './scalar-types.ts';

export interface BuilderTypes {
  Context: Context;
  PrismaTypes: PrismaTypes;
  Scalars: ScalarTypes;
  DefaultFieldNullability: true;
  DefaultEdgesNullability: { list: false; items: true };
  DefaultNodeNullability: false;
}

export const builder = new SchemaBuilder<BuilderTypes>({
  plugins: [PrismaPlugin, RelayPlugin],
  prisma: {
    client: (context) => context.database.prisma,
    dmmf: getDatamodel(),
    onUnusedQuery: null,
  },
  relay: {
    idFieldName: 'nodeId',
    idFieldOptions: {
      extensions: readable({ kind: 'nodeId' }),
      description: 'Identifies the row across all types, for node(nodeId:) and client caches.',
    },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    // A row that cannot be shown in full is null, and leaves the others.
    edgesFieldOptions: { nullable: { list: false, items: true } },
    nodesOnConnection: {
      description: 'The rows of the page, without their cursors.',
    },
  },
});

/** The types of this schema, for Pothos' generic references. */
export type Types = typeof builder.$inferSchemaTypes;

builder.mutationType({
  description: 'What can be written. Each field is a transaction of its own; they run in order.',
});

builder.queryType({
  description:
    'What can be read. Rows of a workspace are those of the current one. Each field can be null, so that an error of one leaves the answers of the others.',
});

builder.subscriptionType({
  description:
    'Changes, delivered as soon as they are committed, from every writer. Each event has a cursor to resume from.',
});
