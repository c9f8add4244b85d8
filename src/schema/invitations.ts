import type { Context } from '../context/context.ts';
import { requirePerson } from '../context/viewer.ts';
import { listInvitations } from '../resolvers/invitations.ts';
import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { functionListPrice } from './cost/lists.ts';
import { priced } from './cost/price.ts';
import { NULLABLE_LIST, untyped } from './model/any-model.ts';
import { enumType } from './model/columns.ts';
import { selectionOf } from './model/links.ts';
import { readModel } from './model/read-model.ts';
import { readModelSubscription } from './model/subscriptions.ts';
import { refOf } from './models.ts';
import { Viewer } from './viewer.ts';

const Workspace = refOf('Workspace');

const columns = [
  'id',
  'workspaceId',
  'workspaceName',
  'email',
  'role',
  'inviterName',
  'status',
  'createdAt',
  'expiresAt',
] as const;

const Invitation = readModel('Invitation', { columns });

builder.objectField(Viewer, 'invitations', (t) =>
  t.field({
    type: [Invitation],
    nullable: NULLABLE_LIST,
    description: `Open invitations for the person, to any workspace, newest first; none for an agent. At most ${limits.maxPageSize}.`,
    args: { first: t.arg.int({ required: true, defaultValue: limits.defaultPageSize }) },
    ...priced(functionListPrice),
    resolve: (viewer, { first }, context, info) =>
      viewer.kind === 'agent'
        ? []
        : untyped(
            listInvitations(
              context,
              { isReceived: true, status: 'pending' },
              first,
              selectionOf(context, info, 'Invitation'),
            ),
          ),
  }),
);

builder.prismaObjectField(Workspace, 'invitations', (t) =>
  t.field({
    type: [Invitation],
    nullable: NULLABLE_LIST,
    description: `Invitations to the workspace, newest first, for Owners of the current workspace; for others the list is empty. Closed ones are kept for 30 days. At most ${limits.maxPageSize}.`,
    args: {
      first: t.arg.int({ required: true, defaultValue: limits.defaultPageSize }),
      status: t.arg({
        type: enumType('InvitationStatus'),
        description: 'Only those with this status.',
      }),
    },
    ...priced(functionListPrice),
    select: { id: true },
    resolve: ({ id }, { first, status }, context: Context, info) =>
      id === context.workspace?.id
        ? untyped(
            listInvitations(
              context,
              { workspaceId: id, isReceived: false, ...(status ? { status } : {}) },
              first,
              selectionOf(context, info, 'Invitation'),
            ),
          )
        : [],
  }),
);

readModelSubscription('invitationChanged', columns, {
  model: 'Invitation',
  description:
    'Invitations for you, to any workspace, and for an Owner those of the current workspace: sent, accepted, declined, revoked, expired. Needs no current workspace.',
  operations: ['CREATED', 'UPDATED', 'DELETED', 'LEFT'],
  authorize: requirePerson,
});
