import type { Row } from '../resolvers/rows.ts';
import { builder } from './builder.ts';
import { functionMutation } from './model/function-mutation.ts';

functionMutation('changeCampaignStatus', {
  model: 'Campaign',
  description:
    'Moves a campaign to its next status; see allowedTransitions. To become active it needs a name, a positioning and a cohort.',
  sql: 'change_campaign_status',
  args: {
    id: { parameter: 'campaign', type: 'UUID', required: true },
    status: { column: 'status', required: true },
  },
});

functionMutation('completeQuest', {
  model: 'CampaignQuest',
  description: 'Completes a quest that is in progress.',
  sql: 'complete_quest',
  args: {
    id: { parameter: 'quest', type: 'UUID', required: true },
    actualOutput: { column: 'actualOutput' },
  },
});

const CohortLinkInput = builder.inputType('CohortLinkInput', {
  description: 'A cohort, and its share of a campaign.',
  fields: (t) => ({
    cohortId: t.field({ type: 'UUID', required: true }),
    allocationPercentage: t.field({ type: 'Decimal', description: 'Unchanged if left out.' }),
    targetCount: t.int({ description: 'Unchanged if left out.' }),
  }),
});

functionMutation('linkCohorts', {
  model: 'CampaignCohort',
  description:
    'Links cohorts to a campaign. Cohorts that are linked already get the new share and target.',
  sql: 'link_cohorts',
  many: true,
  args: {
    campaignId: { parameter: 'campaign', column: 'campaignId' },
    cohorts: { column: 'cohortId', type: ['UUID'] },
    allocationPercentages: { column: 'allocationPercentage', type: ['Decimal'] },
    targetCounts: { column: 'targetCount', type: ['Int'] },
  },
  input: {
    args: (arg) => ({
      campaignId: arg({ type: 'UUID', required: true }),
      cohorts: arg({ type: [CohortLinkInput], required: true }),
    }),
    toValues: ({ campaignId, cohorts }) => {
      const links = cohorts as Row[];
      return {
        campaignId,
        cohorts: links.map(({ cohortId }) => cohortId),
        allocationPercentages: links.map((link) => link.allocationPercentage ?? null),
        targetCounts: links.map((link) => link.targetCount ?? null),
      };
    },
  },
});
