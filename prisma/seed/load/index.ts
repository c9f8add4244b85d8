import type { Demo } from '../demo.ts';
import { WorkspaceDemo } from '../demo.ts';
import { stories } from '../stories/index.ts';
import type { Row } from '../writer.ts';
import { alertLoad, notificationLoad } from './alerts.ts';
import { campaignLoad, cohortLinkLoad, moveLoad, moveLogLoad, questLoad } from './campaigns.ts';
import { insightLoad, mentionLoad, performanceLoad, signalLoad } from './intelligence.ts';

/** Rows added per unit of scale over all workspaces; ten units are scale 10. */
const perUnit = {
  campaigns: 40,
  campaign_cohorts: 80,
  campaign_quests: 200,
  moves: 160,
  move_logs: 800,
  trend_mentions: 400,
  agent_performance: 1000,
  intelligence_signals: 400,
  market_insights: 80,
  system_alerts: 2000,
  user_notifications: 1500,
};

type LoadTable = keyof typeof perUnit;
export type LoadCounts = Record<LoadTable, number>;

/** Referenced tables come before those that refer to them. */
const tables = Object.keys(perUnit) as LoadTable[];

/** Makes the rows of a table from the workspace and the number of rows of every table. */
type Generator = (workspace: WorkspaceDemo, counts: LoadCounts) => Iterable<Row>;

const generators: Record<LoadTable, Generator> = {
  campaigns: campaignLoad,
  campaign_cohorts: cohortLinkLoad,
  campaign_quests: questLoad,
  moves: moveLoad,
  move_logs: moveLogLoad,
  trend_mentions: mentionLoad,
  agent_performance: performanceLoad,
  intelligence_signals: signalLoad,
  market_insights: insightLoad,
  system_alerts: alertLoad,
  user_notifications: notificationLoad,
};

/** Share of the load that each workspace carries, the largest first. */
const shares = [0.5, 0.3, 0.2];

export interface Load {
  table: LoadTable;
  count: number;
  rows: Iterable<Row>;
}

/** Returns what is added at a scale, made row by row while it is read; nothing at scale 1. */
export function loadTables(demo: Demo, scale: number): Load[] {
  if (scale === 1) return [];
  const workspaces = stories.map((story, n) => {
    const share = scale * (shares[n] ?? 0);
    const counts = { ...perUnit };
    for (const table of tables) counts[table] = Math.round(perUnit[table] * share);
    return { workspace: new WorkspaceDemo(demo, story), counts };
  });
  return tables.map((table) => ({
    table,
    count: workspaces.reduce((sum, { counts }) => sum + counts[table], 0),
    rows: (function* () {
      for (const { workspace, counts } of workspaces) yield* generators[table](workspace, counts);
    })(),
  }));
}
