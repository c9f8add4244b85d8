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
  description: 'Where a campaign is by its dates, in UTC.',
  values: {
    UPCOMING: {
      value: 'upcoming',
      description: 'Its first day is still to come, or it has not begun.',
    },
    ON_TRACK: { value: 'on_track', description: 'Between its first and its last day.' },
    OVERDUE: {
      value: 'overdue',
      description: 'Past its last day, or past its first one and not begun.',
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
