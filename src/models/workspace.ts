import { describe } from './descriptor.ts';

export const Workspace = describe('Workspace', {
  root: 'workspaces',
  writer: 'Owner',
  agentsWrite: false,
  columns: [
    'id',
    'name',
    'slug',
    'plan',
    'cohortsLimit',
    'movesPerSprintLimit',
    'createdAt',
    'updatedAt',
  ],
  writes: {
    operations: ['update', 'delete'],
    readOnly: ['plan', 'cohortsLimit', 'movesPerSprintLimit'],
  },
});

export const WorkspaceMember = describe('WorkspaceMember', {
  root: 'workspaceMembers',
  writer: 'Owner',
  agentsWrite: false,
  columns: ['id', 'userId', 'workspaceId', 'role', 'joinedAt'],
  // Nobody becomes a member without accepting an invitation.
  writes: { operations: ['update', 'delete'], readOnly: ['userId'] },
});

export const UserProfile = describe('UserProfile', {
  root: 'userProfiles',
  writer: 'Viewer',
  columns: [
    'id',
    'fullName',
    'avatarUrl',
    'bio',
    'preferences',
    'onboardingCompleted',
    'onboardingSkipped',
    'features',
    'createdAt',
    'updatedAt',
  ],
  hidden: {
    user: 'The identity behind a profile is never shown; the profile is what clients see.',
  },
  writes: { operations: ['update'], readOnly: ['features'] },
});

export const OnboardingResponse = describe('OnboardingResponse', {
  root: 'onboardingResponses',
  writer: 'Viewer',
  personal: true,
  columns: [
    'id',
    'userId',
    'workspaceId',
    'answers',
    'generatedIcps',
    'positioningInsights',
    'completedAt',
    'progressPercentage',
    'currentStep',
    'createdAt',
    'updatedAt',
  ],
  writes: { readOnly: ['userId'] },
});
