import { afterEach, describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { meetIn, PLACES, type Team } from './team.ts';

let team: Team;
afterEach(() => team?.close());

describe.each(PLACES)('in %s', (place) => {
  it('three signals become an insight for a campaign', async () => {
    team = await meetIn(place);
    const { analyst, strategist } = team;
    const { campaign } = await perform(
      strategist,
      'createCampaign(input: { name: "Winter blend" })',
      '{ campaign { id } }',
    );

    const record = async (title: string, confidence: number, relevance: number) => {
      const { intelligenceSignal } = await perform(
        analyst,
        `recordSignal(title: $title, source: COMPETITOR, category: COMPETITOR_ACTIVITY,
          confidence: "${confidence}", relevance: "${relevance}", campaignIds: [$campaign])`,
        '{ intelligenceSignal { id actionStatus allowedTransitions relatedCampaigns { name } createdBy { id } } }',
        { title: ['String!', title], campaign: ['UUID!', campaign.id] },
      );
      expect(intelligenceSignal).toMatchObject({
        actionStatus: 'NEW',
        allowedTransitions: ['ACKNOWLEDGED', 'ACTIONED', 'ARCHIVED'],
        relatedCampaigns: [{ name: 'Winter blend' }],
        createdBy: { id: analyst.userId },
      });
      return intelligenceSignal.id as string;
    };
    const price = await record('A rival raises its price', 99.5, 100);
    const stock = await record('A rival is out of stock', 99, 100);
    const talk = await record('People talk about the price', 98, 100);
    const noise = await record('Somebody sneezed', 60, 20);

    const unsure = await attempt(
      analyst,
      'recordSignal(title: "Too sure", source: MARKET, category: MARKET_TREND, confidence: "101")',
      '{ id }',
    );
    expect(unsure).toMatchObject({
      id: null,
      errors: [{ __typename: 'ValidationError', path: ['confidence'] }],
    });

    const first = async (threshold: string) => {
      const { prioritySignals } = await analyst.data(
        `{ prioritySignals(threshold: "${threshold}", first: 100) { id } }`,
      );
      return prioritySignals.map(({ id }: { id: string }) => id);
    };
    expect((await first('50')).slice(0, 3)).toEqual([price, stock, talk]);
    expect(await first('50')).not.toContain(noise);
    expect(await first('12')).toContain(noise);

    const { intelligenceSignal: taken } = await perform(
      analyst,
      'acknowledgeSignal(id: $id, notes: "Mine")',
      '{ intelligenceSignal { actionStatus actionNotes assignedToUser { id } } }',
      { id: ['UUID!', price] },
    );
    expect(taken).toEqual({
      actionStatus: 'ACKNOWLEDGED',
      actionNotes: 'Mine',
      assignedToUser: { id: analyst.userId },
    });

    const draw = (signals: string[]) =>
      attempt(
        analyst,
        `createInsightFromSignals(signalIds: $signals, title: "Their customers are ours to win",
          type: OPPORTUNITY, conclusions: ["Offer a trial"])`,
        `{ marketInsight { id confidenceScore confidenceLevel numberOfSignalsAnalyzed
           sourceSignals { id actionStatus } } }`,
        { signals: ['[UUID!]!', signals] },
      );
    expect((await draw([])).errors).toMatchObject([
      { __typename: 'ValidationError', path: ['signalIds'] },
    ]);
    expect((await draw([price, team.workspaceId])).errors).toMatchObject([
      { __typename: 'NotFoundError', path: ['signalIds'] },
    ]);
    const { marketInsight: insight } = await draw([price, stock, talk]);
    expect(insight).toMatchObject({
      confidenceScore: '80',
      confidenceLevel: 'HIGH',
      numberOfSignalsAnalyzed: 3,
      sourceSignals: [price, stock, talk].map((id) => ({ id, actionStatus: 'ACTIONED' })),
    });
    expect(await first('0')).not.toEqual(expect.arrayContaining([stock]));

    await perform(
      analyst,
      'updateMarketInsight(id: $id, input: { relevantForCampaignIds: [$campaign] })',
      '{ id }',
      { id: ['UUID!', insight.id], campaign: ['UUID!', campaign.id] },
    );
    const { activeInsights } = await strategist.data(
      '{ activeInsights(first: 100) { id confidenceScore relevantForCampaigns { name } } }',
    );
    expect(activeInsights).toContainEqual({
      id: insight.id,
      confidenceScore: '80',
      relevantForCampaigns: [{ name: 'Winter blend' }],
    });
    const scores = activeInsights.map((each: { confidenceScore: string }) => +each.confidenceScore);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));

    await perform(
      analyst,
      `sendNotification(userId: $to, type: SUMMARY, title: "A new insight", message: "See for yourself",
        campaignId: $campaign, priority: URGENT)`,
      '{ id }',
      { to: ['UUID!', strategist.userId], campaign: ['UUID', campaign.id] },
    );
    const { unreadNotifications } = await strategist.data(
      '{ unreadNotifications(first: 1) { title relatedCampaign { name } } }',
    );
    expect(unreadNotifications).toEqual([
      { title: 'A new insight', relatedCampaign: { name: 'Winter blend' } },
    ]);
  });
});
