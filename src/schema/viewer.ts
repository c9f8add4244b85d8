import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context/context.ts';
import type { Viewer as ViewerShape } from '../context/viewer.ts';
import type { Membership } from '../context/workspace.ts';
import { loadRow } from '../resolvers/loaders.ts';
import { builder } from './builder.ts';
import { enumType } from './model/columns.ts';
import { selectionOf } from './model/links.ts';
import { UserProfile, Workspace } from './workspace.ts';

function load(model: string, id: string, context: Context, info: GraphQLResolveInfo) {
  return loadRow(context, model, 'id', id, selectionOf(context, info, model)) as Promise<never>;
}

const ViewerMembership = builder.objectRef<Membership>('ViewerMembership').implement({
  description: 'A workspace that the viewer belongs to, whichever one is current.',
  fields: (t) => ({
    workspaceId: t.expose('workspaceId', { type: 'UUID', nullable: false }),
    role: t.field({
      type: enumType('MemberRole'),
      nullable: false,
      resolve: ({ role }) => role,
    }),
    joinedAt: t.expose('joinedAt', { type: 'DateTime', nullable: false }),
    workspace: t.field({
      type: Workspace,
      nullable: true,
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ workspaceId }, _args, context, info) =>
        load('Workspace', workspaceId, context, info),
    }),
  }),
});

const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'The signed-in person, and where they are.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID', nullable: false }),
    email: t.exposeString('email', {
      description: 'As the token says; null where it says nothing.',
    }),
    profile: t.field({
      type: UserProfile,
      nullable: true,
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ id }, _args, context, info) => load('UserProfile', id, context, info),
    }),
    memberships: t.field({
      type: [ViewerMembership],
      nullable: false,
      description: 'Oldest first. The id of one of these goes into the header x-workspace-id.',
      complexity: { field: 1, multiplier: 10 },
      resolve: ({ memberships }) => memberships,
    }),
    role: t.field({
      type: enumType('MemberRole'),
      description: 'The role in the current workspace; null when none is chosen.',
      resolve: (_viewer, _args, context) => context.workspace?.role ?? null,
    }),
    workspace: t.field({
      type: Workspace,
      nullable: true,
      description: 'The current workspace; null when none is chosen.',
      complexity: { field: 1, multiplier: 1 },
      resolve: (_viewer, _args, context, info) =>
        context.workspace ? load('Workspace', context.workspace.id, context, info) : null,
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: false,
    description: 'Who is asking.',
    resolve: (_root, _args, context) => context.viewer,
  }),
);
