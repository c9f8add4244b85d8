import { afterEach, describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { meetIn, PLACES, type Team } from './team.ts';

let team: Team;
afterEach(() => team?.close());

describe.each(PLACES)('in %s', (place) => {
  it('a campaign goes from draft to completed', async () => {
    team = await meetIn(place);
    const { strategist, viewer, owner } = team;

    const { viewer: me } = await strategist.data('{ viewer { role workspace { id name } } }');
    expect(me).toMatchObject({ role: 'STRATEGIST', workspace: { id: team.workspaceId } });

    const { positioning } = await perform(
      strategist,
      `createPositioning(input: {
        name: "The morning cup", marketSegment: "Home brewers", targetPainPoints: ["Stale beans"] })`,
      '{ positioning { id } }',
    );
    const { messageArchitecture } = await perform(
      strategist,
      `createMessageArchitecture(input: {
        name: "Fresh first", primaryMessage: "Roasted on Monday, brewed on Thursday", positioningId: $id })`,
      '{ messageArchitecture { id positioning { name } } }',
      { id: ['UUID', positioning.id] },
    );
    expect(messageArchitecture.positioning.name).toBe('The morning cup');

    // The campaign and its quests, in one mutation.
    const { campaign } = await perform(
      strategist,
      `createCampaign(input: {
        name: "Monsoon roast", startDate: "2026-12-01", budgetAllocation: "250000.50",
        quests: [{ name: "Shoot the film", questOrder: 1 }] })`,
      '{ campaign { id status allowedTransitions createdBy { id } quests { nodes { id status } } } }',
    );
    const [film] = campaign.quests.nodes;
    const id: [string, string] = ['UUID!', campaign.id];
    expect(campaign).toMatchObject({
      status: 'DRAFT',
      allowedTransitions: ['PLANNING', 'ARCHIVED'],
      createdBy: { id: strategist.userId },
    });

    const { campaignQuest: script } = await perform(
      strategist,
      'createCampaignQuest(input: { campaignId: $id, parentQuestId: $film, name: "Write the script" })',
      '{ campaignQuest { id parentQuest { name } } }',
      { id, film: ['UUID', film.id] },
    );
    expect(script.parentQuest.name).toBe('Shoot the film');

    const step = (status: string) =>
      attempt(
        strategist,
        `changeCampaignStatus(id: $id, status: ${status})`,
        '{ campaign { status allowedTransitions } errors { ... on InvalidTransitionError { detail } } }',
        { id },
      );
    expect(await step('ACTIVE')).toMatchObject({
      campaign: null,
      errors: [
        {
          __typename: 'InvalidTransitionError',
          path: ['status'],
          detail: 'From draft it can go to planning, archived.',
        },
      ],
    });
    expect(await step('PLANNING')).toMatchObject({ campaign: { status: 'PLANNING' }, errors: [] });
    expect((await step('ACTIVE')).errors).toMatchObject([
      { message: expect.stringMatching(/it needs a positioning, at least one cohort/) },
    ]);

    await perform(
      strategist,
      'updateCampaign(id: $id, input: { positioningId: $positioning, messageArchitectureId: $messages })',
      '{ id }',
      { id, positioning: ['UUID', positioning.id], messages: ['UUID', messageArchitecture.id] },
    );
    const cohorts = await Promise.all(
      ['Filter coffee families', 'Espresso students'].map(async (name) => {
        const made = await perform(
          strategist,
          `createCohort(input: { name: "${name}" })`,
          '{ id }',
        );
        return made.id;
      }),
    );
    const { results } = await perform(
      strategist,
      `linkCohorts(campaignId: $id, cohorts: [
        { cohortId: $families, allocationPercentage: "60.5", targetCount: 1200 }, { cohortId: $students }])`,
      '{ affected results { campaignCohort { cohort { name } allocationPercentage targetCount } } }',
      { id, families: ['UUID!', cohorts[0]], students: ['UUID!', cohorts[1]] },
    );
    expect(results.map((result: { campaignCohort: object }) => result.campaignCohort)).toEqual([
      {
        cohort: { name: 'Filter coffee families' },
        allocationPercentage: '60.5',
        targetCount: 1200,
      },
      { cohort: { name: 'Espresso students' }, allocationPercentage: null, targetCount: null },
    ]);

    // A Viewer sees no allowed actions, and is refused if they try one.
    const { viewer: reader } = await viewer.data(
      '{ viewer { permissions { type update functions } } }',
    );
    expect(reader.permissions).toContainEqual({ type: 'Campaign', update: false, functions: [] });
    const refused = await attempt(
      viewer,
      'changeCampaignStatus(id: $id, status: ACTIVE)',
      '{ id }',
      {
        id,
      },
    );
    expect(refused.errors).toMatchObject([{ __typename: 'ForbiddenError' }]);

    expect(await step('ACTIVE')).toMatchObject({ campaign: { status: 'ACTIVE' } });
    for (const quest of [script.id, film.id]) {
      const key = { quest: ['UUID!', quest] as [string, string] };
      await perform(
        strategist,
        'updateCampaignQuest(id: $quest, input: { status: IN_PROGRESS })',
        '{ id }',
        key,
      );
      const { campaignQuest } = await perform(
        strategist,
        'completeQuest(id: $quest, actualOutput: "Ninety seconds of rain")',
        '{ campaignQuest { status actualOutput allowedTransitions } }',
        key,
      );
      expect(campaignQuest).toEqual({
        status: 'COMPLETED',
        actualOutput: 'Ninety seconds of rain',
        allowedTransitions: [],
      });
    }
    expect(await step('COMPLETED')).toMatchObject({
      campaign: { status: 'COMPLETED', allowedTransitions: ['ARCHIVED'] },
    });

    const { campaign: completed } = await owner.data(
      `query ($id: UUID!) { campaign(id: $id) {
        health { questCount completedQuestCount cohortCount }
        history { nodes { operation changedColumns before after actor { id } } }
      } }`,
      { id: campaign.id },
    );
    expect(completed.health).toEqual({ questCount: 2, completedQuestCount: 2, cohortCount: 2 });
    const steps = completed.history.nodes.flatMap(
      (entry: { before?: object; after?: object }) => entry,
    );
    expect(steps.map(({ operation }: { operation: string }) => operation)).toEqual([
      'UPDATE',
      'UPDATE',
      'UPDATE',
      'UPDATE',
      'INSERT',
    ]);
    expect(steps[0]).toEqual({
      operation: 'UPDATE',
      changedColumns: ['status'],
      before: { status: 'ACTIVE' },
      after: { status: 'COMPLETED' },
      actor: { id: strategist.userId },
    });
  });
});
