import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context/context.ts';
import type { Membership, Person, Viewer as ViewerShape } from '../context/viewer.ts';
import { loadRow } from '../resolvers/loaders.ts';
import { shownValue } from '../resolvers/representable.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { foundRow, knownRows } from './cost/row-prices.ts';
import { ASSUMED_ROWS } from './cost/weights.ts';
import { untyped } from './model/any-model.ts';
import { enumType } from './model/columns.ts';
import { NULLABLE_ROWS } from './model/fields.ts';
import { selectionOf } from './model/links.ts';
import { refOf } from './models.ts';

const Agent = refOf('Agent');
const UserProfile = refOf('UserProfile');
const Workspace = refOf('Workspace');

function load(model: string, id: string, context: Context, info: GraphQLResolveInfo, by = 'id') {
  return untyped(loadRow(context, model, by, id, selectionOf(context, info, model)));
}

const personOf = (viewer: ViewerShape): Person | undefined =>
  viewer.kind === 'person' ? viewer : undefined;

const ViewerMembership = builder.objectRef<Membership>('ViewerMembership').implement({
  description: 'A workspace that the viewer belongs to, current or not.',
  fields: (t) => ({
    workspaceId: t.expose('workspaceId', { type: 'UUID', nullable: false }),
    role: t.field({
      type: enumType('MemberRole'),
      nullable: false,
      resolve: ({ role }) => role,
    }),
    joinedAt: t.field({
      type: 'DateTime',
      nullable: false,
      resolve: (membership) => shownValue('WorkspaceMember', 'joinedAt', { ...membership }) as Date,
    }),
    workspace: t.field({
      type: Workspace,
      nullable: true,
      description: 'Its lists are empty unless it is the current workspace.',
      ...priced(foundRow),
      resolve: ({ workspaceId }, _args, context, info) =>
        load('Workspace', workspaceId, context, info),
    }),
  }),
});

export const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'The sender of the request, a signed-in person or an agent, and their workspaces.',
  fields: (t) => ({
    id: t.field({
      type: 'UUID',
      description: 'Id of the person; null for an agent.',
      resolve: (viewer) => personOf(viewer)?.id,
    }),
    email: t.string({
      description: 'Email address from the token; null if it has none, and for an agent.',
      resolve: (viewer) => personOf(viewer)?.email,
    }),
    profile: t.field({
      type: UserProfile,
      nullable: true,
      description: 'Profile of the person; null for an agent.',
      ...priced(foundRow),
      resolve: (viewer, _args, context, info) =>
        viewer.kind === 'person' ? load('UserProfile', viewer.id, context, info) : null,
    }),
    agent: t.field({
      type: Agent,
      nullable: true,
      description: 'The agent of the request in the registry; null for a person.',
      ...priced(foundRow),
      resolve: (viewer, _args, context, info) =>
        viewer.kind === 'agent' ? load('Agent', viewer.name, context, info, 'agentName') : null,
    }),
    scopes: t.stringList({
      description:
        'Scopes in the token of the agent, such as "intelligence:write"; null for a person.',
      resolve: (viewer) => (viewer.kind === 'agent' ? [...viewer.scopes] : null),
    }),
    memberships: t.field({
      type: [ViewerMembership],
      nullable: NULLABLE_ROWS,
      description:
        'Memberships of the person, oldest first; none for an agent. The id of one of these workspaces goes into the header x-workspace-id.',
      ...priced(knownRows(ASSUMED_ROWS)),
      resolve: (viewer) => personOf(viewer)?.memberships ?? [],
    }),
    role: t.field({
      type: enumType('MemberRole'),
      description: 'The role in the current workspace; null when none is chosen, and for an agent.',
      resolve: (_viewer, _args, context) => context.workspace?.role ?? null,
    }),
    workspace: t.field({
      type: Workspace,
      nullable: true,
      description: 'The current workspace; null when none is chosen.',
      ...priced(foundRow),
      resolve: (_viewer, _args, context, info) =>
        context.workspace ? load('Workspace', context.workspace.id, context, info) : null,
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'The sender of the request.',
    resolve: (_root, _args, context) => context.viewer,
  }),
);
