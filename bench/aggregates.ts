import type { BenchRequest } from './requests.ts';

const NEWEST = 'orderBy: [CREATED_AT_DESC, ROW_ID_DESC]';
const none = () => [{}];

/**
 * Questions about groups of alerts. PostGraphile answers them with its plugin pg-aggregates, whose keys
 * are lists of texts, and whose groups are in no order.
 */
export const AGGREGATES: readonly BenchRequest[] = [
  {
    name: 'A1',
    title: 'Alerts for each severity and day',
    bare: 'severities',
    size: 1,
    gateway: `{ alerts: systemAlertsAggregate(
      groupBy: [{ severityLevel: {} }, { createdAt: { bucket: DAY } }]
    ) { groups { key { severityLevel createdAt } count } } }`,
    postgraphile: `{ alerts: allSystemAlerts {
      groups: groupedAggregates(groupBy: [SEVERITY_LEVEL, CREATED_AT_TRUNCATED_TO_DAY]) {
        keys distinctCount { rowId }
      }
    } }`,
    variables: none,
    aggregates: true,
    shape: groupsOf,
  },
  {
    name: 'A2',
    title: 'Alerts for each agent, and how many campaigns they are of',
    bare: 'agents',
    size: 1,
    gateway: `{ alerts: systemAlertsAggregate(groupBy: [{ triggeredByAgentId: {} }]) {
      groups { key { triggeredByAgentId } count distinct { relatedCampaignId } }
    } }`,
    postgraphile: `{ alerts: allSystemAlerts {
      groups: groupedAggregates(groupBy: [TRIGGERED_BY_AGENT_ID]) {
        keys distinctCount { rowId relatedCampaignId }
      }
    } }`,
    variables: none,
    aggregates: true,
    shape: groupsOf,
  },
  {
    name: 'A3',
    title: '20 campaigns, the alerts of each for each status',
    bare: 'campaignStatuses',
    size: 20,
    gateway: `{ campaigns(first: 20) { nodes { id name
      alerts: alertsAggregate(groupBy: [{ status: {} }]) { groups { key { status } count } }
    } } }`,
    postgraphile: `{ campaigns: allCampaigns(first: 20, ${NEWEST}) { nodes { id: rowId name
      alerts: systemAlertsByWorkspaceIdAndRelatedCampaignId {
        groups: groupedAggregates(groupBy: [STATUS]) { keys distinctCount { rowId } }
      }
    } } }`,
    variables: none,
    aggregates: true,
    shape: groupsOf,
  },
  {
    name: 'A4',
    title: 'Alerts for each status and hour',
    bare: 'hours',
    size: 1,
    gateway: `{ alerts: systemAlertsAggregate(
      groupBy: [{ status: {} }, { createdAt: { bucket: HOUR } }]
    ) { groups { key { status createdAt } count } } }`,
    postgraphile: `{ alerts: allSystemAlerts {
      groups: groupedAggregates(groupBy: [STATUS, CREATED_AT_TRUNCATED_TO_HOUR]) {
        keys distinctCount { rowId }
      }
    } }`,
    variables: none,
    aggregates: true,
    shape: groupsOf,
  },
];

interface Group {
  key?: Readonly<Record<string, unknown>>;
  keys?: readonly unknown[];
  count?: number;
  distinct?: Readonly<Record<string, number>>;
  distinctCount?: Readonly<Record<string, string>>;
}

/** Returns data with all its groups as lists of keys and numbers, in one order. */
function groupsOf(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(groupsOf);
  if (typeof data !== 'object' || data === null) return data;
  const entries = Object.entries(data).map(([name, value]) =>
    name === 'groups'
      ? [name, (value as readonly Group[]).map(valuesOf).sort()]
      : [name, groupsOf(value)],
  );
  return Object.fromEntries(entries);
}

function valuesOf({ key, keys, count, distinct, distinctCount }: Group): string {
  const names = keys ?? Object.values(key ?? {});
  const numbers = distinctCount
    ? Object.values(distinctCount)
    : [count, ...Object.values(distinct ?? {})];
  return [...names.map(nameOf), ...numbers.map(Number)].join(' ');
}

/** Moments differ in their notation, and labels in their letters. */
function nameOf(name: unknown): string {
  const text = String(name);
  return /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text).toISOString() : text.toLowerCase();
}
