import {
  array,
  decimal,
  type Fields,
  groups,
  label,
  moment,
  newest,
  nodes,
  number,
  object,
  ofCampaign,
  one,
  plain,
  text,
} from './bare-json.ts';

/** A statement whose single value is the JSON text of the answer's one field. */
export interface BareStatement {
  field: string;
  text: string;
  values: (variables: Readonly<Record<string, unknown>>) => unknown[];
}

const ALERT: Fields = {
  id: plain('a.id'),
  title: text('a.title'),
  message: text('a.message'),
  alertType: label('a.alert_type'),
  severityLevel: label('a.severity_level'),
  status: label('a.status'),
  createdAt: moment('a.created_at'),
  triggeredByEvent: text('a.triggered_by_event'),
};

const DASHBOARD: Fields = {
  id: plain('c.id'),
  name: text('c.name'),
  status: label('c.status'),
  budgetAllocation: decimal('c.budget_allocation'),
  createdAt: moment('c.created_at'),
  positioning: one(
    { id: plain('p.id'), name: text('p.name'), keyMessage: text('p.key_message') },
    'positioning AS p WHERE p.workspace_id = c.workspace_id AND p.id = c.positioning_id',
  ),
  quests: nodes(
    {
      id: plain('q.id'),
      name: text('q.name'),
      status: label('q.status'),
      questOrder: number('q.quest_order'),
    },
    newest('campaign_quests', 'q', 5, ofCampaign('campaign_id')),
  ),
  cohortLinks: nodes(
    {
      cohort: one(
        { id: plain('h.id'), name: text('h.name'), healthScore: number('h.health_score') },
        'cohorts AS h WHERE h.workspace_id = l.workspace_id AND h.id = l.cohort_id',
      ),
    },
    newest('campaign_cohorts', 'l', 25, ofCampaign('campaign_id')),
  ),
  alerts: `'{"totalCount":'||(SELECT count(*) FROM system_alerts WHERE ${ofCampaign('related_campaign_id')} AND status = 'active')||'}'`,
};

const DEEP: Fields = {
  id: plain('c.id'),
  name: text('c.name'),
  status: label('c.status'),
  quests: nodes(
    { id: plain('q.id'), name: text('q.name'), status: label('q.status') },
    newest('campaign_quests', 'q', 10, ofCampaign('campaign_id')),
  ),
  alerts: nodes(
    {
      id: plain('a.id'),
      title: text('a.title'),
      severityLevel: label('a.severity_level'),
      status: label('a.status'),
      createdAt: moment('a.created_at'),
      triggeredByAgent: one(
        { id: plain('g.id'), agentName: text('g.agent_name'), guildName: text('g.guild_name') },
        'agent_registry AS g WHERE g.id = a.triggered_by_agent_id',
      ),
    },
    newest('system_alerts', 'a', 10, ofCampaign('related_campaign_id')),
  ),
};

/** What a level of the chain that `chain` asks for is called, and where its rows are. */
const LEVELS: readonly ((below: Fields) => Fields)[] = [
  (below) => ({
    campaigns: nodes(
      { id: plain('c.id'), name: text('c.name'), ...below },
      newest('campaigns', 'c', 10),
    ),
  }),
  (below) => ({
    alerts: nodes(
      { id: plain('a.id'), title: text('a.title'), ...below },
      newest('system_alerts', 'a', 3, ofCampaign('related_campaign_id')),
    ),
  }),
  (below) => ({
    relatedCampaign: one(
      { id: plain('d.id'), name: text('d.name'), ...below },
      'campaigns AS d WHERE d.workspace_id = a.workspace_id AND d.id = a.related_campaign_id',
    ),
  }),
  (below) => ({
    quests: nodes(
      { id: plain('q.id'), name: text('q.name'), ...below },
      newest('campaign_quests', 'q', 3, ofCampaign('campaign_id', 'd')),
    ),
  }),
  (below) => ({
    campaign: one(
      { id: plain('e.id'), name: text('e.name'), ...below },
      'campaigns AS e WHERE e.workspace_id = q.workspace_id AND e.id = q.campaign_id',
    ),
  }),
  (below) => ({
    cohortLinks: nodes(
      { id: plain('l.id'), cohortId: plain('l.cohort_id'), ...below },
      newest('campaign_cohorts', 'l', 3, ofCampaign('campaign_id', 'e')),
    ),
  }),
];

const none = () => [];

/** The number of alerts for each value of a column and each span of time. */
function groupedByTime(name: string, column: string, unit: string): BareStatement {
  return {
    field: 'alerts',
    text: `SELECT ${groups(
      { [name]: label(`g.${column}`), createdAt: moment('g.start') },
      { count: 'g.number' },
      `(SELECT ${column}, date_trunc('${unit}', created_at) AS start, count(*) AS number
        FROM system_alerts GROUP BY 1, 2 ORDER BY 1, 2) AS g`,
    )}`,
    values: none,
  };
}

/** The statements by the name of their request, for a page size, a depth or a number of aliases. */
export const STATEMENTS: Readonly<
  Record<string, (size: number, filters: readonly AliasFilter[]) => BareStatement>
> = {
  one: () => ({
    field: 'alert',
    text: `SELECT ${one(ALERT, 'system_alerts AS a WHERE a.id = $1')}`,
    values: ({ id }) => [id],
  }),
  page: (size) => ({
    field: 'alerts',
    text: `SELECT ${nodes(ALERT, newest('system_alerts', 'a', size))}`,
    values: none,
  }),
  dashboard: (size) => ({
    field: 'campaigns',
    text: `SELECT ${nodes(DASHBOARD, newest('campaigns', 'c', size))}`,
    values: none,
  }),
  deep: (size) => ({
    field: 'workspace',
    text: `SELECT ${one(
      {
        id: plain('w.id'),
        name: text('w.name'),
        campaigns: nodes(DEEP, newest('campaigns', 'c', size, 'workspace_id = w.id')),
      },
      'workspaces AS w WHERE w.id = $1',
    )}`,
    values: ({ id }) => [id],
  }),
  cursor: (size) => ({
    field: 'alerts',
    text: `SELECT ${nodes(ALERT, newest('system_alerts', 'a', size, '(created_at, id) < ($1::timestamptz, $2::uuid)'))}`,
    values: ({ createdAt, id }) => [createdAt, id],
  }),
  aliases: (_size, filters) => ({
    field: 'campaigns',
    text: `SELECT ${nodes(
      {
        id: plain('c.id'),
        ...Object.fromEntries(
          filters.map((filter, index) => [
            `a${index + 1}`,
            nodes(
              { id: plain('a.id'), title: text('a.title') },
              newest(
                'system_alerts',
                'a',
                3,
                `${ofCampaign('related_campaign_id')}${conditionOf(filter)}`,
              ),
            ),
          ]),
        ),
      },
      newest('campaigns', 'c', 10),
    )}`,
    values: none,
  }),
  links: (size) => ({
    field: 'feedback',
    text: `SELECT ${nodes(
      {
        id: plain('f.id'),
        title: text('f.title'),
        relatedCohorts: array(
          { id: plain('h.id'), name: text('h.name') },
          `(SELECT c.* FROM unnest(f.related_cohort_ids) WITH ORDINALITY AS related (id, place)
            JOIN cohorts AS c ON c.workspace_id = f.workspace_id AND c.id = related.id ORDER BY place) AS h`,
        ),
      },
      newest('support_feedback', 'f', size),
    )}`,
    values: none,
  }),
  chain: (size) => {
    const levels = LEVELS.slice(0, size).reduceRight<Fields>((below, level) => level(below), {});
    return { field: 'campaigns', text: `SELECT ${levels.campaigns}`, values: none };
  },
  severities: () => groupedByTime('severityLevel', 'severity_level', 'day'),
  hours: () => groupedByTime('status', 'status', 'hour'),
  agents: () => ({
    field: 'alerts',
    text: `SELECT ${groups(
      { triggeredByAgentId: text('g.agent_id') },
      { count: 'g.number', distinct: object({ relatedCampaignId: 'g.campaigns' }) },
      `(SELECT triggered_by_agent_id AS agent_id, count(*) AS number,
          count(DISTINCT related_campaign_id) AS campaigns
        FROM system_alerts GROUP BY 1 ORDER BY 1) AS g`,
    )}`,
    values: none,
  }),
  campaignStatuses: (size) => ({
    field: 'campaigns',
    text: `SELECT ${nodes(
      {
        id: plain('c.id'),
        name: text('c.name'),
        alerts: groups(
          { status: label('g.status') },
          { count: 'g.number' },
          `(SELECT status, count(*) AS number FROM system_alerts
            WHERE ${ofCampaign('related_campaign_id')} GROUP BY 1 ORDER BY 1) AS g`,
        ),
      },
      newest('campaigns', 'c', size),
    )}`,
    values: none,
  }),
  update: () => ({
    field: 'updated',
    text: `UPDATE system_alerts AS a SET message = $2 WHERE a.id = $1 RETURNING '{"alert":'||${object(
      { id: plain('a.id'), message: text('a.message'), status: label('a.status') },
    )}||'}'`,
    values: ({ id, message }) => [id, message],
  }),
  create: () => ({
    field: 'created',
    text: `WITH a AS (
      INSERT INTO system_alerts (workspace_id, title, message, alert_type, severity_level)
      SELECT current_workspace_id(), title, message, lower("alertType")::alert_type, lower("severityLevel")::alert_severity
      FROM jsonb_to_recordset($1) AS r (title text, message text, "alertType" text, "severityLevel" text)
      RETURNING title, severity_level
    ) SELECT '{"alerts":'||${array({ title: text('a.title'), severityLevel: label('a.severity_level') }, 'a')}||'}'`,
    values: ({ alerts }) => [JSON.stringify(alerts)],
  }),
};

/** Which alerts an alias asks for. */
export interface AliasFilter {
  severityLevel?: string;
  status?: string;
}

function conditionOf({ severityLevel, status }: AliasFilter): string {
  return [
    severityLevel ? ` AND severity_level = '${severityLevel}'` : '',
    status ? ` AND status = '${status}'` : '',
  ].join('');
}
