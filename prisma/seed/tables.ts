import { catalog } from '../../src/generated/catalog.ts';
import { type Demo, WorkspaceDemo } from './demo.ts';
import { dictionaryRows } from './dictionaries/index.ts';
import { agentRows } from './domains/agents.ts';
import { alertRows } from './domains/alerts.ts';
import { billingRows, planSubscriptionRows } from './domains/billing.ts';
import { campaignRows } from './domains/campaigns.ts';
import { cohortRows } from './domains/cohorts.ts';
import { contentRows, sharedContentRows } from './domains/content.ts';
import { experimentRows } from './domains/experiments.ts';
import { gamificationRows } from './domains/gamification.ts';
import { intelligenceRows } from './domains/intelligence.ts';
import { learningRows } from './domains/learning.ts';
import { moveRows } from './domains/moves.ts';
import { strategyRows } from './domains/strategy.ts';
import { peopleRows, workspaceRows } from './domains/workspace.ts';
import { stories } from './stories/index.ts';
import type { Row } from './writer.ts';

/** Returns the rows of the story, a few thousand, table by table in the order of insertion. */
export function storyTables(demo: Demo): [table: string, rows: Row[]][] {
  const parts: Record<string, Row[]>[] = [
    peopleRows(demo),
    { subscriptions: planSubscriptionRows(demo) },
    dictionaryRows(demo),
    sharedContentRows(demo),
    ...stories.map((story) => new WorkspaceDemo(demo, story)).flatMap(workspaceParts),
  ];
  return insertOrder()
    .map((table): [string, Row[]] => [table, parts.flatMap((part) => part[table] ?? [])])
    .filter(([, rows]) => rows.length > 0);
}

/** Returns every table, referenced ones before those that refer to them. */
function insertOrder(): string[] {
  const ordered = new Set<string>();
  const visited = new Set<string>();
  const visit = (name: string): void => {
    const model = catalog.models[name];
    if (!model || visited.has(name)) return;
    visited.add(name);
    for (const { to, columns } of Object.values(model.relations)) {
      if (columns.length > 0) visit(to);
    }
    ordered.add(model.schema === 'public' ? model.table : `${model.schema}.${model.table}`);
  };
  for (const name of Object.keys(catalog.models)) visit(name);
  return [...ordered];
}

function workspaceParts(workspace: WorkspaceDemo): Record<string, Row[]>[] {
  const campaigns = campaignRows(workspace);
  const moves = moveRows(workspace);
  const content = contentRows(workspace);
  const alerts = alertRows(workspace);
  return [
    workspaceRows(workspace),
    billingRows(workspace),
    strategyRows(workspace),
    cohortRows(workspace),
    campaigns,
    moves,
    content,
    experimentRows(workspace),
    agentRows(workspace),
    learningRows(workspace),
    intelligenceRows(workspace),
    alerts,
    gamificationRows(workspace, { ...campaigns, ...moves, ...content, ...alerts }),
  ];
}
