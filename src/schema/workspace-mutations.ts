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

functionMutation('inviteMember', {
  model: 'WorkspaceMember',
  description: 'Makes a person who has signed up a member of the current workspace.',
  sql: 'invite_member',
  args: {
    email: {
      parameter: 'person_email',
      column: 'userId',
      type: 'String',
      required: true,
      description: 'The address that the person signed up with, in any case.',
    },
    role: { column: 'role', description: 'A Viewer unless told otherwise.' },
  },
  inContext: inWorkspace,
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
