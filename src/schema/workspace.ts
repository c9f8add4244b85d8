import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/rows.ts';
import { NULLABLE_LIST } from './model/fields.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';

export const Workspace = model('Workspace', {
  root: 'workspaces',
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
  one: ['globalStrategy', 'metaLearnerState'],
  many: [
    'members',
    'onboardingResponses',
    'planSubscriptions',
    'billingRecords',
    'autopaySubscriptions',
    'autopayPayments',
    'positionings',
    'messageArchitectures',
    'strategyInsights',
    'campaigns',
    'campaignQuests',
    'campaignCohorts',
    'cohorts',
    'supportFeedbackList',
    'linesOfOperation',
    'sprints',
    'moves',
    'moveAnomalies',
    'moveLogs',
    'assets',
    'visualDesigns',
    'visualDesignTemplates',
    'contentAdaptations',
    'adaptationPatterns',
    'contentPatterns',
    'experiments',
    'experimentResults',
    'experimentMetadataList',
    'achievements',
    'userAchievements',
    'userStatsList',
    'agentAssignments',
    'agentPerformanceList',
    'agentMessages',
    'agentDebates',
    'debateRounds',
    'policyDecisions',
    'agentRecommendations',
    'recommendationPatterns',
    'recommendationOutcomes',
    'agentTrustScores',
    'intelligenceSignals',
    'marketInsights',
    'competitors',
    'competitorContents',
    'competitorPatterns',
    'trends',
    'trendMentions',
    'systemAlerts',
    'userNotifications',
  ],
  writes: {
    operations: ['update', 'delete'],
    readOnly: ['plan', 'cohortsLimit', 'movesPerSprintLimit'],
  },
});

export const WorkspaceMember = model('WorkspaceMember', {
  root: 'workspaceMembers',
  columns: ['id', 'userId', 'workspaceId', 'role', 'joinedAt'],
  one: ['workspace'],
  people: ['user'],
  // Nobody is made a member: a membership comes of an invitation that its person accepts.
  writes: { operations: ['update', 'delete'], readOnly: ['userId'] },
});

export const UserProfile = model('UserProfile', {
  root: 'userProfiles',
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
  writes: { operations: ['update'], readOnly: ['features'] },
});

export const OnboardingResponse = model('OnboardingResponse', {
  root: 'onboardingResponses',
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
  one: ['workspace'],
  people: ['user'],
  writes: { readOnly: ['userId'] },
});

const WorkspaceStatusCount = readModel('WorkspaceStatusCount', { columns: ['total'] });

builder.prismaObjectFields(WorkspaceStatusCount, (t) => ({
  entity: t.string({
    nullable: false,
    description: 'What is counted: CAMPAIGN, CAMPAIGN_QUEST, MOVE, SYSTEM_ALERT and so on.',
    select: { entity: true },
    resolve: ({ entity }) => entity.toUpperCase(),
  }),
  status: t.string({
    nullable: false,
    description: 'One of its statuses, as elsewhere in the API.',
    select: { status: true },
    resolve: ({ status }) => status.toUpperCase(),
  }),
}));

builder.prismaObjectField(Workspace, 'overview', (t) =>
  t.relation('statusCounts', {
    nullable: NULLABLE_LIST,
    description: 'How many of what the current workspace has in which status.',
    ...priced(readModelRows(limits.maxPageSize, 3)),
    query: { orderBy: [{ entity: 'asc' }, { status: 'asc' }], take: limits.maxPageSize },
  }),
);
