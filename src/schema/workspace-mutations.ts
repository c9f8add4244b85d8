import { requireWorkspace } from '../context/workspace.ts';
import { functionMutation, inWorkspace } from './model/function-mutation.ts';

functionMutation('createWorkspace', {
  model: 'Workspace',
  description:
    'Creates a workspace with you as its Owner; its id goes into the header x-workspace-id. Needs no current workspace.',
  sql: 'create_workspace',
  args: { name: { column: 'name', required: true }, slug: { column: 'slug' } },
  writersOf: 'UserProfile',
  entersWorkspace: true,
});

functionMutation('inviteWorkspaceMember', {
  model: 'Invitation',
  description:
    'Invites an address to the current workspace, for 14 days. The person who signs in with it becomes a member by accepting. The answer is the same whether or not anybody has signed up with it.',
  sql: 'invite_workspace_member',
  args: {
    email: {
      column: 'email',
      required: true,
      description:
        'The address to invite; upper and lower case are equal. ConflictError if it belongs to a member or an open invitation.',
    },
    role: { column: 'role', description: 'Default: Viewer.' },
  },
  writersOf: 'WorkspaceMember',
  inContext: inWorkspace,
});

functionMutation('revokeInvitation', {
  model: 'Invitation',
  description: 'Revokes an open invitation to the current workspace.',
  sql: 'revoke_invitation',
  args: { id: { parameter: 'invitation', column: 'id', required: true } },
  writersOf: 'WorkspaceMember',
});

functionMutation('acceptInvitation', {
  model: 'Invitation',
  description:
    'Makes you a member of the workspace that invited you; its id goes into the header x-workspace-id. Needs no current workspace.',
  sql: 'accept_invitation',
  args: { id: { parameter: 'invitation', column: 'id', required: true } },
  writersOf: 'UserProfile',
});

functionMutation('declineInvitation', {
  model: 'Invitation',
  description: 'Declines an invitation. Needs no current workspace.',
  sql: 'decline_invitation',
  args: { id: { parameter: 'invitation', column: 'id', required: true } },
  writersOf: 'UserProfile',
});

functionMutation('changeMemberRole', {
  model: 'WorkspaceMember',
  description: 'Gives a member another role; the last Owner stays one.',
  sql: 'change_member_role',
  args: {
    userId: { parameter: 'person', column: 'userId', required: true },
    role: { column: 'role', required: true },
  },
  inContext: inWorkspace,
});

functionMutation('removeMember', {
  model: 'WorkspaceMember',
  description:
    'Ends a membership; the last Owner stays. Owners remove anybody, others only themselves.',
  sql: 'remove_member',
  args: { userId: { parameter: 'person', column: 'userId', required: true } },
  writersOf: 'UserProfile',
  inContext: (context, { userId }) => ({
    ...inWorkspace(context),
    row: {
      key: { userId, workspaceId: requireWorkspace(context).id },
      isDeleted: true,
    },
  }),
});
