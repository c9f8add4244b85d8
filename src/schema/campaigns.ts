import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRow } from './cost/row-prices.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Campaign = refOf('Campaign');

const CampaignHealth = readModel('CampaignHealth', {
  columns: [
    'moveCount',
    'completedMoveCount',
    'cohortCount',
    'questCount',
    'completedQuestCount',
    'reach',
  ],
});

const CampaignState = builder.enumType('CampaignState', {
  description: 'The state of a campaign according to its dates, in UTC.',
  values: {
    UPCOMING: {
      value: 'upcoming',
      description: 'Its first day is in the future, or it has not begun.',
    },
    ON_TRACK: { value: 'on_track', description: 'Between its first and its last day.' },
    OVERDUE: {
      value: 'overdue',
      description: 'After its last day, or after its first one without having begun.',
    },
    ENDED: { value: 'ended', description: 'Completed or archived.' },
  } as const,
});

builder.prismaObjectField(CampaignHealth, 'state', (t) =>
  t.field({
    type: CampaignState,
    nullable: false,
    select: { state: true },
    resolve: ({ state }) => state as 'upcoming' | 'on_track' | 'overdue' | 'ended',
  }),
);

builder.prismaObjectField(Campaign, 'health', (t) => t.relation('health', priced(readModelRow)));
