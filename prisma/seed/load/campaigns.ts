import type { WorkspaceDemo } from '../demo.ts';
import { activeAgents, maneuverCount } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';
import type { LoadCounts } from './index.ts';
import { ageOf, loadId } from './times.ts';

const statuses = ['completed', 'completed', 'archived', 'active', 'paused', 'planning', 'draft'];
const DAYS = 28;

export function* campaignLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random, person } = workspace;
  const numbers = random('load/campaigns');
  for (let n = 0; n < counts.campaigns; n++) {
    const age = ageOf(n, counts.campaigns);
    const reach = numbers.int(500, 90_000);
    const city = numbers.pick(story.cities);
    yield {
      id: loadId(workspace, 'campaigns', n),
      workspace_id: id,
      name: `${at(story.products, n)} in ${city}, no. ${n + 1}`,
      description: `Local campaign in ${city}.`,
      objective: `Win ${numbers.int(2, 90) * 10} customers in ${city}`,
      status: at(statuses, n),
      positioning_id: row('positioning', n % story.positionings.length),
      message_architecture_id: row('message_architecture', n % story.messages.length),
      target_segments: [at(story.cohorts, n).name],
      target_geographies: [city],
      start_date: demo.day(-Math.floor(age)),
      end_date: demo.day(DAYS - Math.floor(age)),
      planned_duration_days: DAYS,
      budget_allocation: numbers.int(20, 400) * 1000,
      allocated_budget_amount: numbers.int(5, 20) * 1000,
      total_reach: reach,
      total_engagements: Math.round(reach * 0.05),
      conversion_count: Math.round(reach * 0.002),
      roi_percentage: numbers.decimal(-30, 160, 1),
      created_by: person('Strategist'),
      created_at: demo.ago(age + 3),
      updated_at: demo.ago(age),
    };
  }
}

export function* cohortLinkLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random } = workspace;
  const numbers = random('load/campaign_cohorts');
  for (let n = 0; n < counts.campaign_cohorts; n++) {
    // Rounds over all campaigns, so that no campaign meets the same cohort twice.
    const campaign = n % counts.campaigns;
    const cohort = (campaign + Math.floor(n / counts.campaigns)) % story.cohorts.length;
    const target = numbers.int(2, 60) * 100;
    yield {
      id: loadId(workspace, 'campaign_cohorts', n),
      workspace_id: id,
      campaign_id: loadId(workspace, 'campaigns', campaign),
      cohort_id: row('cohorts', cohort),
      allocation_percentage: 50,
      target_count: target,
      reached_count: Math.round(target * numbers.next()),
      converted_count: numbers.int(0, 40),
      created_at: demo.ago(ageOf(campaign, counts.campaigns) + 2),
      updated_at: demo.ago(ageOf(campaign, counts.campaigns)),
    };
  }
}

const steps = ['Brief', 'Draft', 'Review', 'Publish', 'Report'];
const questStatuses = ['completed', 'completed', 'in_progress', 'pending', 'blocked', 'on_hold'];

export function* questLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, id, random, person } = workspace;
  const numbers = random('load/campaign_quests');
  for (let n = 0; n < counts.campaign_quests; n++) {
    // Five to a campaign; the second and third are children of the first.
    const campaign = Math.floor(n / steps.length) % counts.campaigns;
    const step = n % steps.length;
    const age = ageOf(campaign, counts.campaigns);
    const start = step * 4 - Math.floor(age);
    yield {
      id: loadId(workspace, 'campaign_quests', n),
      workspace_id: id,
      campaign_id: loadId(workspace, 'campaigns', campaign),
      name: at(steps, step),
      parent_quest_id:
        step === 1 || step === 2 ? loadId(workspace, 'campaign_quests', n - step) : null,
      quest_order: step + 1,
      status: at(questStatuses, numbers.int(0, 5)),
      start_date: demo.day(start),
      end_date: demo.day(start + 4),
      due_date: demo.day(start + 6),
      assigned_to_agents: [numbers.pick(activeAgents)],
      expected_output: `${at(steps, step)}: filed`,
      created_by: person('Strategist'),
      created_at: demo.ago(age + 2),
      updated_at: demo.ago(age),
    };
  }
}

const moveStatuses = ['Complete', 'Complete', 'Complete', 'Killed', 'OODA_Act', 'OODA_Observe'];

export function* moveLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random, person } = workspace;
  const numbers = random('load/moves');
  for (let n = 0; n < counts.moves; n++) {
    const age = ageOf(n, counts.moves);
    const status = at(moveStatuses, n);
    const template = at(story.moves, n);
    yield {
      id: loadId(workspace, 'moves', n),
      workspace_id: id,
      maneuver_type_id: demo.id('maneuver_types', n % maneuverCount),
      line_of_operation_id: row('lines_of_operation', n % story.lines.length),
      name: `${template.name}, no. ${n + 1}`,
      primary_icp_id: row('cohorts', n % story.cohorts.length),
      secondary_icp_ids: [row('cohorts', (n + 1) % story.cohorts.length)],
      status,
      goal: template.goal,
      channels: [numbers.pick(story.channels)],
      start_date: demo.day(-Math.floor(age)),
      end_date: demo.day(12 - Math.floor(age)),
      progress_percentage: status === 'Complete' ? 100 : numbers.int(10, 90),
      owner_id: person('Strategist'),
      health_status: at(['green', 'green', 'amber', 'red'], numbers.int(0, 3)),
      created_by_agent: 'lord-strategos',
      intensity: at(['light', 'standard', 'aggressive'], n),
      campaign_id: loadId(
        workspace,
        'campaigns',
        Math.floor((n / counts.moves) * counts.campaigns),
      ),
      created_at: demo.ago(age + 1),
      updated_at: demo.ago(age),
    };
  }
}

export function* moveLogLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, id, random } = workspace;
  const numbers = random('load/move_logs');
  const perMove = Math.ceil(counts.move_logs / counts.moves);
  for (let n = 0; n < counts.move_logs; n++) {
    const move = Math.floor(n / perMove);
    const age = ageOf(move, counts.moves) - (n % perMove);
    yield {
      id: loadId(workspace, 'move_logs', n),
      workspace_id: id,
      move_id: loadId(workspace, 'moves', move),
      date: demo.day(-Math.floor(age)),
      actions_completed: numbers.int(0, 6),
      metrics_snapshot: { reach: numbers.int(100, 9000), replies: numbers.int(0, 30) },
      created_at: demo.ago(age),
    };
  }
}
