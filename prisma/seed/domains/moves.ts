import { danglingId, type WorkspaceDemo } from '../demo.ts';
import { agentsOf, journeyStages, maneuverCount } from '../dictionaries/index.ts';
import { at, type Random } from '../random.ts';
import type { Row } from '../writer.ts';

const SPRINT_DAYS = 14;

export function moveRows(workspace: WorkspaceDemo) {
  const moves = plannedMoves(workspace);
  return {
    lines_of_operation: lineRows(workspace),
    sprints: sprintRows(workspace),
    moves: moves.map((move) => moveRow(workspace, move)),
    move_anomalies: anomalyRows(workspace, moves),
    move_logs: logRows(workspace, moves),
  } satisfies Record<string, Row[]>;
}

function lineRows({ demo, story, id, row }: WorkspaceDemo): Row[] {
  return story.lines.map((line, n) => ({
    id: row('lines_of_operation', n),
    workspace_id: id,
    name: line.name,
    strategic_objective: line.objective,
    seasonality_tag: at(['Harvest', 'Planting', 'Agnostic'], n),
    center_of_gravity: story.strategy.centerOfGravity,
    status: at(['Active', 'Active', 'Paused', 'Complete'], n + (story.size < 1 ? 2 : 0)),
    start_date: demo.day(-120 + n * 20),
    target_date: demo.day(60 + n * 30),
    created_at: demo.ago(125 - n * 20),
  }));
}

/** Sprints follow each other; the last but one is running. */
function sprintStart({ story }: WorkspaceDemo, n: number): number {
  return (n - (story.sprintThemes.length - 2)) * SPRINT_DAYS - 6;
}

function sprintStatus({ story }: WorkspaceDemo, n: number): string {
  const behind = story.sprintThemes.length - 1 - n;
  return at(['Planning', 'Active', 'Review', 'Complete'], Math.min(behind, 3));
}

function sprintRows(workspace: WorkspaceDemo): Row[] {
  const { demo, story, id, row } = workspace;
  return story.sprintThemes.map((theme, n) => ({
    id: row('sprints', n),
    workspace_id: id,
    name: `Sprint ${n + 21}`,
    start_date: demo.day(sprintStart(workspace, n)),
    end_date: demo.day(sprintStart(workspace, n) + SPRINT_DAYS - 1),
    theme,
    capacity_budget: 100,
    current_load: at([88, 104, 92, 76], n),
    season_type: at(['High_Season', 'Low_Season', 'Shoulder'], n),
    status: sprintStatus(workspace, n),
    created_at: demo.ago(10 - sprintStart(workspace, n)),
  }));
}

interface PlannedMove {
  n: number;
  sprint: number;
  start: number;
  status: string;
  progress: number;
  health: 'green' | 'amber' | 'red';
}

function plannedMoves(workspace: WorkspaceDemo): PlannedMove[] {
  const sprints = workspace.story.sprintThemes.length;
  const total = workspace.count(24);
  return Array.from({ length: total }, (_, n) => {
    const sprint = Math.min(sprints - 1, Math.floor((n * sprints) / total));
    const state = sprintStatus(workspace, sprint);
    const place = n % 4;
    const status = {
      Planning: 'Planning',
      Active: at(['OODA_Observe', 'OODA_Orient', 'OODA_Decide', 'OODA_Act'], place),
      Review: place === 1 ? 'OODA_Act' : 'Complete',
      Complete: n === 2 ? 'Killed' : 'Complete',
    }[state];
    const progress =
      { Planning: 0, Active: 20 + place * 20, Review: 90, Complete: 100 }[state] ?? 0;
    return {
      n,
      sprint,
      start: sprintStart(workspace, sprint) + place,
      status: status ?? 'Planning',
      progress: status === 'Killed' ? 45 : status === 'Complete' ? 100 : progress,
      health: status === 'Killed' ? 'red' : n % 7 === 3 ? 'amber' : 'green',
    };
  });
}

function moveRow(workspace: WorkspaceDemo, move: PlannedMove): Row {
  const { demo, story, id, row, random, person } = workspace;
  const { n } = move;
  const numbers = random(`moves/${n}`);
  const template = at(story.moves, n);
  const wave = Math.floor(n / story.moves.length) + 1;
  const cohort = n % story.cohorts.length;
  const others = story.cohorts.map((_, other) => other).filter((other) => other !== cohort);
  const secondary = numbers.sample(others, 2).map((other) => row('cohorts', other));
  const stage = n % (journeyStages.length - 1);
  return {
    id: row('moves', n),
    workspace_id: id,
    maneuver_type_id: demo.id('maneuver_types', n % maneuverCount),
    sprint_id: row('sprints', move.sprint),
    line_of_operation_id: row('lines_of_operation', n % story.lines.length),
    name: wave === 1 ? template.name : `${template.name}, wave ${wave}`,
    primary_icp_id: row('cohorts', cohort),
    secondary_icp_ids:
      n === 1 && story.slug === 'kaveri-coffee'
        ? [at(secondary, 0), at(secondary, 0), danglingId]
        : secondary,
    status: move.status,
    ooda_config: { observe: story.channels.slice(0, 2), decideEveryDays: 3 },
    fogg_config: { motivation: numbers.int(3, 9), ability: numbers.int(3, 9), prompt: 'letter' },
    goal: template.goal,
    channels: numbers.sample(story.channels, 2),
    content_frequency: at(['daily', 'three times a week', 'weekly'], n),
    action_types: at([['publish', 'reply'], ['invite', 'call'], ['measure']], n),
    key_metrics: { target: template.goal, baseline: numbers.int(20, 400) },
    decision_checkpoints: [
      { day: 4, question: 'Does anybody answer?' },
      { day: 10, question: 'Continue, change or stop?' },
    ],
    start_date: demo.day(move.start),
    end_date: demo.day(move.start + 12),
    progress_percentage: move.progress,
    owner_id: n % 3 === 0 ? person('Creator') : person('Strategist'),
    health_status: move.health,
    created_at: demo.ago(Math.max(3, 6 - move.start)),
    updated_at: demo.ago(numbers.int(0, 1), numbers.int(1, 20)),
    triggered_by_trend_id: n % 6 === 1 ? row('trends', n % story.trends.length) : null,
    competitor_analysis:
      n % 5 === 0
        ? { rival: at(story.competitors, n).name, gap: at(story.competitors, n).note }
        : null,
    created_by_agent: n % 2 === 0 ? 'lord-strategos' : at(agentsOf('lord'), n),
    agent_recommendations: n % 4 === 0 ? [{ agent: 'lord-seer', advice: 'Start small' }] : null,
    journey_stage_from: at(journeyStages, stage)[0],
    journey_stage_to: at(journeyStages, stage + 1)[0],
    message_variant: { headline: at(story.messages, n).primary },
    asset_requirements: [{ type: at(story.assets, n).type, count: 1 + (n % 3) }],
    intensity: at(['light', 'standard', 'aggressive'], n),
    campaign_id: n % 6 === 5 ? null : row('campaigns', n % story.campaigns.length),
  };
}

const anomalies = [
  ['Tone_Clash', 'The caption jokes about a day that others mourn', 'Caption replaced'],
  ['Fatigue', 'The same people saw the same picture eleven times', 'Frequency capped at four'],
  ['Drift', 'Clicks come from a cohort that was not addressed', 'Audience narrowed'],
  ['Rule_Violation', 'A discount that the constitution does not allow', 'Offer withdrawn'],
  ['Capacity_Overload', 'Three moves need the same designer on Thursday', 'Two moved to Monday'],
] as const;

function anomalyRows({ demo, id, row, count }: WorkspaceDemo, moves: PlannedMove[]): Row[] {
  const started = moves.filter(({ start }) => start < 0);
  return Array.from({ length: count(10) }, (_, n) => {
    const move = at(started, n * 3);
    const [type, description, resolution] = at(anomalies, n);
    const status = at(['Resolved', 'Open', 'Acknowledged', 'Ignored'], n);
    const day = Math.max(0.5, -move.start - 2 - (n % 3));
    return {
      id: row('move_anomalies', n),
      workspace_id: id,
      move_id: row('moves', move.n),
      type,
      severity: (n % 5) + 1,
      description,
      detected_at: demo.ago(day),
      resolution: status === 'Resolved' ? resolution : null,
      resolved_at: status === 'Resolved' ? demo.ago(day, -5) : null,
      status,
    };
  });
}

const notes = [
  'All actions on time.',
  'Two replies worth keeping; quoted in the report.',
  'Lower reach than yesterday, better conversations.',
  'Swapped the picture after the comments.',
  'Nothing unusual.',
];

function logRows({ demo, id, row, random }: WorkspaceDemo, moves: PlannedMove[]): Row[] {
  const numbers: Random = random('move_logs');
  return moves.flatMap((move) => {
    const days = Math.max(0, Math.min(12, -move.start));
    return Array.from({ length: Math.floor(days / 2) }, (_, entry) => {
      const offset = move.start + entry * 2;
      const reach = numbers.int(300, 9000);
      return {
        id: row('move_logs', `${move.n}/${entry}`),
        workspace_id: id,
        move_id: row('moves', move.n),
        date: demo.day(offset),
        actions_completed: numbers.int(1, 6),
        notes: at(notes, move.n + entry),
        metrics_snapshot: { reach, clicks: Math.round(reach * 0.04), replies: numbers.int(0, 30) },
        created_at: demo.ago(Math.max(0, -offset - 0.3)),
      };
    });
  });
}
