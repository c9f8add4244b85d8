import { danglingAgent, type WorkspaceDemo } from '../demo.ts';
import { activeAgents } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { CampaignStory } from '../story.ts';
import type { Row } from '../writer.ts';

export function campaignRows(workspace: WorkspaceDemo) {
  const links = cohortLinks(workspace);
  return {
    campaigns: workspace.story.campaigns.map((campaign, n) => {
      const own = links.filter(({ campaign_id }) => campaign_id === workspace.row('campaigns', n));
      return campaignRow(workspace, campaign, n, own);
    }),
    campaign_quests: questRows(workspace),
    campaign_cohorts: links,
  } satisfies Record<string, Row[]>;
}

/** Returns how much of a campaign is over, from 0 to 1. */
function progressOf({ status, start, days }: CampaignStory): number {
  if (status === 'draft' || status === 'planning') return 0;
  return Math.min(1, Math.max(0, -start / days));
}

function campaignRow(workspace: WorkspaceDemo, campaign: CampaignStory, n: number, links: Row[]) {
  const { demo, story, id, row, random, person } = workspace;
  const numbers = random(`campaigns/${n}`);
  const progress = progressOf(campaign);
  const reach = links.reduce((sum, link) => sum + Number(link.reached_count), 0);
  const engagements = Math.round(reach * numbers.decimal(0.12, 0.3, 3));
  const message = story.messages.findIndex(
    ({ positioning }) => positioning === campaign.positioning,
  );
  return {
    id: row('campaigns', n),
    workspace_id: id,
    name: campaign.name,
    description: `${campaign.objective}. Channels: ${story.channels.slice(0, 3).join(', ')}.`,
    objective: campaign.objective,
    status: campaign.status,
    positioning_id: row('positioning', campaign.positioning),
    message_architecture_id:
      campaign.status === 'draft' ? null : row('message_architecture', message),
    target_segments: campaign.cohorts.map((cohort) => at(story.cohorts, cohort).name),
    target_geographies: numbers.sample(story.cities, 3),
    start_date: demo.day(campaign.start),
    end_date: demo.day(campaign.start + campaign.days),
    planned_duration_days: campaign.days,
    budget_allocation: campaign.budget,
    allocated_budget_amount: Math.round(campaign.budget * (progress || 0.1)),
    resource_allocation: {
      currency: 'INR',
      channels: Object.fromEntries(
        story.channels.slice(0, 3).map((channel, rank) => [channel, at([0.5, 0.3, 0.2], rank)]),
      ),
    },
    total_reach: reach,
    total_engagements: engagements,
    conversion_count: links.reduce((sum, link) => sum + Number(link.converted_count), 0),
    roi_percentage: progress > 0.5 ? numbers.decimal(-12, 140, 1) : null,
    created_by: n % 4 === 3 ? person('Owner') : person('Strategist'),
    created_at: demo.ago(Math.max(8, 20 - campaign.start)),
    updated_at: demo.ago(n % 5, numbers.int(1, 20)),
  } satisfies Row;
}

function questStatus({ status }: CampaignStory, order: number, last: boolean): string {
  if (status === 'completed' || status === 'archived') return 'completed';
  if (status === 'draft' || status === 'planning') return 'pending';
  if (status === 'paused') return order === 0 ? 'completed' : 'on_hold';
  if (last) return 'blocked';
  return at(['completed', 'in_progress', 'in_progress'], order);
}

function questRows({ demo, story, id, row, random, person }: WorkspaceDemo): Row[] {
  const numbers = random('campaign_quests');
  return story.campaigns.flatMap((campaign, c) => {
    const span = Math.max(5, Math.floor(campaign.days / campaign.quests.length));
    return campaign.quests.flatMap((quest, order) => {
      const [name, ...children] = typeof quest === 'string' ? [quest] : quest;
      const start = campaign.start + order * Math.floor(span / 2);
      const status = questStatus(campaign, order, order === campaign.quests.length - 1);
      return [name, ...children].map((name, n): Row => {
        const childStatus =
          n === 0 || status !== 'in_progress' ? status : n === 1 ? 'completed' : status;
        const names = numbers.sample(activeAgents, 2);
        const first = c === 0 && order === 0 && story.slug === 'kaveri-coffee';
        return {
          id: row('campaign_quests', `${c}/${order}/${n}`),
          workspace_id: id,
          campaign_id: row('campaigns', c),
          name,
          description: `Part of "${campaign.name}".`,
          objective:
            n === 0 ? campaign.objective : `A step of "${children.length > 0 ? quest[0] : name}"`,
          parent_quest_id: n === 0 ? null : row('campaign_quests', `${c}/${order}/0`),
          quest_order: n === 0 ? order + 1 : n,
          status: childStatus,
          start_date: demo.day(start + n * 2),
          end_date: demo.day(start + n * 2 + 6),
          due_date: demo.day(start + span + n),
          // The very first quest lists one agent twice, and one that was never registered.
          assigned_to_agents:
            first && n === 0 ? [at(names, 0), at(names, 0), danglingAgent] : names,
          expected_output: `${name}: ready to use`,
          actual_output: childStatus === 'completed' ? `${name}: delivered and filed` : null,
          created_by: person('Strategist'),
          created_at: demo.ago(Math.max(6, 18 - campaign.start), order),
          updated_at: demo.ago(numbers.int(0, 1), numbers.int(1, 20)),
        };
      });
    });
  });
}

function cohortLinks({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('campaign_cohorts');
  const shares = [[100], [65, 35], [50, 30, 20]];
  return story.campaigns.flatMap((campaign, c) =>
    campaign.cohorts.map((cohort, n) => {
      const target = numbers.int(8, 90) * 100;
      const reached = Math.round(target * progressOf(campaign) * numbers.decimal(0.6, 1.1));
      return {
        id: row('campaign_cohorts', `${c}/${cohort}`),
        workspace_id: id,
        campaign_id: row('campaigns', c),
        cohort_id: row('cohorts', cohort),
        allocation_percentage: at(at(shares, campaign.cohorts.length - 1), n),
        target_count: target,
        reached_count: reached,
        converted_count: Math.round(reached * numbers.decimal(0.01, 0.07)),
        created_at: demo.ago(Math.max(5, 17 - campaign.start)),
        updated_at: demo.ago(numbers.int(0, 1), numbers.int(1, 20)),
      };
    }),
  );
}
