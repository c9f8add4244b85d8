import { aliasFilters } from './alias-filters.ts';
import { CREATED_TITLE, type Subject } from './bench-database.ts';
import type { AliasFilter } from './servers/bare-sql.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** One request as each server takes it. Aliases of PostGraphile's documents give fields the gateway's names. */
export interface BenchRequest {
  name: string;
  title: string;
  /** The name of the bare server's statement. */
  bare: string;
  /** Page size, depth or number of aliases, for the bare server. */
  size: number;
  gateway: string;
  postgraphile: string;
  /** Sent in turn. */
  variables: (subject: Subject) => Variables[];
  /** The row behind which a page begins: servers are asked for its cursor first, as `$after`. */
  after?: (subject: Subject) => { id: string; createdAt: string };
  /** Takes what was created away again, so that every server writes into the same table. */
  writes?: boolean;
  /** Default: any number. */
  mostConnections?: number;
  /** Whether PostGraphile needs its plugin for aggregates. */
  aggregates?: true;
  /** Returns an answer's data in a shape that is the same for all servers. */
  shape?: (data: unknown) => unknown;
}

/** The documents that return a row's cursor. */
export const CURSOR = {
  gateway:
    'query ($id: UUID!) { alerts: systemAlerts(first: 1, filter: { id: { equals: $id } }) { pageInfo { endCursor } } }',
  postgraphile:
    'query ($id: UUID!) { alerts: allSystemAlerts(first: 1, condition: { rowId: $id }, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { pageInfo { endCursor } } }',
};

const ALERT = 'title message alertType severityLevel status createdAt triggeredByEvent';
const NEWEST = 'orderBy: [CREATED_AT_DESC, ROW_ID_DESC]';
const none = () => [{}];

export function page(first: number): BenchRequest {
  return {
    name: 'Q2',
    title: `${first} alerts, 8 columns`,
    bare: 'page',
    size: first,
    gateway: `{ alerts: systemAlerts(first: ${first}) { nodes { id ${ALERT} } } }`,
    postgraphile: `{ alerts: allSystemAlerts(first: ${first}, ${NEWEST}) { nodes { id: rowId ${ALERT} } } }`,
    variables: none,
  };
}

export function aliases(count: number): BenchRequest {
  const filters = aliasFilters(count);
  const lists = (list: (filter: AliasFilter) => string) =>
    filters.map((filter, index) => `a${index + 1}: ${list(filter)}`).join(' ');
  const written = (filter: AliasFilter, value: (label: string) => string) =>
    Object.entries(filter).map(([name, label]) => `${name}: ${value(label)}`);
  return {
    name: 'Q6',
    title: `10 campaigns, aliases of one relation: ${count}`,
    bare: 'aliases',
    size: count,
    gateway: `{ campaigns(first: 10) { nodes { id ${lists(
      (filter) =>
        `alerts(first: 3, filter: { ${written(filter, (label) => `{ equals: ${label.toUpperCase()} }`)} }) { nodes { id title } }`,
    )} } } }`,
    postgraphile: `{ campaigns: allCampaigns(first: 10, ${NEWEST}) { nodes { id: rowId ${lists(
      (filter) =>
        `systemAlertsByWorkspaceIdAndRelatedCampaignId(first: 3, ${NEWEST}, condition: { ${written(filter, (label) => label)} }) { nodes { id: rowId title } }`,
    )} } } }`,
    variables: none,
  };
}

/** A chain of lists and single rows in each other, so many levels deep, at most 6. */
export function chain(depth: number): BenchRequest {
  const nest = (levels: readonly ((below: string) => string)[]) =>
    `{ ${levels.slice(0, depth).reduceRight((below, level) => level(below), '')} }`;
  return {
    name: 'Chain',
    title: `Depth ${depth}`,
    bare: 'chain',
    size: depth,
    gateway: nest([
      (below) => `campaigns(first: 10) { nodes { id name ${below} } }`,
      (below) => `alerts(first: 3) { nodes { id title ${below} } }`,
      (below) => `relatedCampaign { id name ${below} }`,
      (below) => `quests(first: 3) { nodes { id name ${below} } }`,
      (below) => `campaign { id name ${below} }`,
      (below) => `cohortLinks(first: 3) { nodes { id cohortId ${below} } }`,
    ]),
    postgraphile: nest([
      (below) =>
        `campaigns: allCampaigns(first: 10, ${NEWEST}) { nodes { id: rowId name ${below} } }`,
      (below) =>
        `alerts: systemAlertsByWorkspaceIdAndRelatedCampaignId(first: 3, ${NEWEST}) { nodes { id: rowId title ${below} } }`,
      (below) =>
        `relatedCampaign: campaignByWorkspaceIdAndRelatedCampaignId { id: rowId name ${below} }`,
      (below) =>
        `quests: campaignQuestsByWorkspaceIdAndCampaignId(first: 3, ${NEWEST}) { nodes { id: rowId name ${below} } }`,
      (below) => `campaign: campaignByWorkspaceIdAndCampaignId { id: rowId name ${below} }`,
      (below) =>
        `cohortLinks: campaignCohortsByWorkspaceIdAndCampaignId(first: 3, ${NEWEST}) { nodes { id: rowId cohortId ${below} } }`,
    ]),
    variables: none,
  };
}

export const one: BenchRequest = {
  name: 'Q1',
  title: 'One alert by id, 8 columns',
  bare: 'one',
  size: 1,
  gateway: `query ($id: UUID!) { alert: systemAlert(id: $id) { id ${ALERT} } }`,
  postgraphile: `query ($id: UUID!) { alert: systemAlertByRowId(rowId: $id) { id: rowId ${ALERT} } }`,
  variables: ({ alerts }) => every(alerts, 200).map(({ id }) => ({ id })),
};

export const dashboard: BenchRequest = {
  name: 'Q3',
  title: 'Dashboard: 20 campaigns and theirs',
  bare: 'dashboard',
  size: 20,
  gateway: `{ campaigns(first: 20) { nodes {
    id name status budgetAllocation createdAt
    positioning { id name keyMessage }
    quests(first: 5) { nodes { id name status questOrder } }
    cohortLinks(first: 25) { nodes { cohort { id name healthScore } } }
    alerts(filter: { status: { equals: ACTIVE } }) { totalCount }
  } } }`,
  postgraphile: `{ campaigns: allCampaigns(first: 20, ${NEWEST}) { nodes {
    id: rowId name status budgetAllocation createdAt
    positioning: positioningByWorkspaceIdAndPositioningId { id: rowId name keyMessage }
    quests: campaignQuestsByWorkspaceIdAndCampaignId(first: 5, ${NEWEST}) { nodes { id: rowId name status questOrder } }
    cohortLinks: campaignCohortsByWorkspaceIdAndCampaignId(first: 25, ${NEWEST}) { nodes {
      cohort: cohortByWorkspaceIdAndCohortId { id: rowId name healthScore }
    } }
    alerts: systemAlertsByWorkspaceIdAndRelatedCampaignId(condition: { status: active }) { totalCount }
  } } }`,
  variables: none,
};

const deep: BenchRequest = {
  name: 'Q4',
  title: 'Deep: workspace, campaigns, alerts, agents',
  bare: 'deep',
  size: 10,
  gateway: `query ($id: UUID!) { workspace(id: $id) { id name campaigns(first: 10) { nodes {
    id name status
    quests(first: 10) { nodes { id name status } }
    alerts(first: 10) { nodes {
      id title severityLevel status createdAt triggeredByAgent { id agentName guildName }
    } }
  } } } }`,
  postgraphile: `query ($id: UUID!) { workspace: workspaceByRowId(rowId: $id) { id: rowId name
    campaigns: campaignsByWorkspaceId(first: 10, ${NEWEST}) { nodes {
      id: rowId name status
      quests: campaignQuestsByWorkspaceIdAndCampaignId(first: 10, ${NEWEST}) { nodes { id: rowId name status } }
      alerts: systemAlertsByWorkspaceIdAndRelatedCampaignId(first: 10, ${NEWEST}) { nodes {
        id: rowId title severityLevel status createdAt
        triggeredByAgent: agentRegistryByTriggeredByAgentId { id: rowId agentName guildName }
      } }
    } }
  } }`,
  variables: ({ workspaceId }) => [{ id: workspaceId }],
};

export const cursor: BenchRequest = {
  name: 'Q5',
  title: '50 alerts far down the list, by cursor',
  bare: 'cursor',
  size: 50,
  gateway: `query ($after: String!) { alerts: systemAlerts(first: 50, after: $after) { nodes { id ${ALERT} } } }`,
  postgraphile: `query ($after: Cursor!) { alerts: allSystemAlerts(first: 50, after: $after, ${NEWEST}) { nodes { id: rowId ${ALERT} } } }`,
  variables: none,
  // In smaller data, as far towards the end.
  after: ({ alerts }) => at(alerts, Math.floor((alerts.length * 40) / 54) - 1),
};

const links: BenchRequest = {
  name: 'Q7',
  title: '50 rows, their lists of ids resolved',
  bare: 'links',
  size: 50,
  gateway:
    '{ feedback: supportFeedbackList(first: 50) { nodes { id title relatedCohorts { id name } } } }',
  postgraphile: `{ feedback: allSupportFeedbacks(first: 50, ${NEWEST}) { nodes { id: rowId title relatedCohorts: relatedCohortsList { id: rowId name } } } }`,
  variables: none,
};

const update: BenchRequest = {
  name: 'M1',
  title: 'Update of one alert',
  bare: 'update',
  size: 1,
  gateway: `mutation ($id: UUID!, $message: String!) {
    updated: updateSystemAlert(id: $id, input: { message: $message }) { alert: systemAlert { id message status } }
  }`,
  postgraphile: `mutation ($id: UUID!, $message: String!) {
    updated: updateSystemAlertByRowId(input: { rowId: $id, systemAlertPatch: { message: $message } }) {
      alert: systemAlert { id: rowId message status }
    }
  }`,
  // Each time round, a row gets another message than it has.
  variables: ({ alerts }) =>
    Array.from({ length: 400 }, (_, n) => ({
      id: at(alerts, 100 + (n % 200)).id,
      message: `Looked at for the ${n}. time`,
    })),
  writes: true,
};

const create: BenchRequest = {
  name: 'M2',
  title: '100 alerts created at once',
  bare: 'create',
  size: 100,
  gateway: `mutation ($alerts: [SystemAlertCreateInput!]!) {
    created: createSystemAlerts(inputs: $alerts) { alerts: results { systemAlert { title severityLevel } } }
  }`,
  postgraphile: `mutation ($alerts: JSON!) {
    created: benchCreateAlerts(input: { alerts: $alerts }) { alerts: result { title severityLevel } }
  }`,
  variables: () => [
    {
      alerts: Array.from({ length: 100 }, (_, n) => ({
        title: `${CREATED_TITLE} ${n}`,
        message: 'A hundred of these come together.',
        alertType: 'MILESTONE',
        severityLevel: n % 2 ? 'LOW' : 'HIGH',
      })),
    },
  ],
  writes: true,
  mostConnections: 1,
};

/** The requests that are compared. */
export const REQUESTS: readonly BenchRequest[] = [
  one,
  page(50),
  dashboard,
  deep,
  cursor,
  aliases(8),
  links,
  update,
  create,
];

function every<Row>(rows: readonly Row[], count: number): Row[] {
  const step = Math.max(1, Math.floor(rows.length / count));
  return Array.from({ length: count }, (_, n) => at(rows, (n * step) % rows.length));
}

function at<Row>(rows: readonly Row[], index: number): Row {
  const row = rows[index];
  if (row === undefined) throw new Error(`The data has no row ${index}: use a larger --scale`);
  return row;
}
