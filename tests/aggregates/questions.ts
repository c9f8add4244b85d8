/** A question of a dashboard: the field that asks it, and plain SQL that answers it row by row. */
export interface Question {
  title: string;
  /** A field of Query. */
  ask: string;
  sql: string;
  /** Statements beside the one of the aggregate: look-ups of the rows that keys refer to. */
  lookups?: number;
}

const days = (zone: string): Question => ({
  title: `alerts per severity and day for 30 days, in ${zone}`,
  ask: `systemAlertsAggregate(
    filter: { createdAt: { gte: "2026-03-01T00:00:00Z", lt: "2026-03-31T00:00:00Z" } }
    groupBy: [{ severityLevel: {} }, { createdAt: { bucket: DAY, timeZone: "${zone}" } }]
  ) { groups { key { severityLevel createdAt } count } }`,
  sql: `select severity_level::text as a, (date_trunc('day', created_at at time zone '${zone}') at time zone '${zone}')::text as b, count(*)
    from system_alerts where created_at >= '2026-03-01Z' and created_at < '2026-03-31Z'
    group by severity_level, 2 order by system_alerts.severity_level, 2`,
});

export const questions: readonly Question[] = [
  days('Asia/Kolkata'),
  days('America/New_York'),
  {
    title: "agents' cost and success per week",
    ask: `agentPerformanceListAggregate(
      groupBy: [{ agent: { agentName: {} } }, { measurementDate: { bucket: WEEK } }]
    ) { groups { key { agentKey { agentName } measurementDate }
        values { totalCostIncurred { sum } successCount { sum } executionCount { sum } } } }`,
    sql: `select agent_name, date_trunc('week', measurement_date)::date::text, sum(total_cost_incurred) as c, sum(success_count) as d, sum(execution_count) as e
      from agent_performance p left join agent_registry r on r.id = p.agent_id group by 1, 2 order by 1, 2`,
  },
  {
    title: 'campaigns by status with reach and conversions',
    ask: `campaignsAggregate(groupBy: [{ status: { fill: true } }]) {
      groups { key { status } count values { totalReach { sum } conversionCount { sum avg } } } }`,
    sql: `select s.status::text as a, count(c.id) as b, sum(total_reach) as c, sum(conversion_count) as d, avg(conversion_count) as e
      from unnest(enum_range(null::campaign_status)) s(status) left join campaigns c on c.status = s.status
      group by s.status order by s.status`,
  },
  {
    title: 'conversion per experiment',
    ask: `experimentResultsAggregate(groupBy: [{ experimentId: {} }]) {
      groups { key { experiment { hypothesis } } count values { metricValue { avg max } sampleSize { sum } } } }`,
    sql: `select hypothesis, count(*), avg(metric_value), max(metric_value), sum(r.sample_size)
      from experiment_results r left join experiments e on e.id = r.experiment_id
      group by r.experiment_id, hypothesis order by r.experiment_id nulls last`,
    lookups: 1,
  },
  {
    title: 'leaderboard',
    ask: `userStatsListAggregate(
      groupBy: [{ userId: {} }], orderBy: [{ statistic: SUM, of: TOTAL_POINTS, direction: DESC }], first: 5
    ) { groups { key { userId } values { totalPoints { sum } movesSuccessful { sum } } } totalGroups }`,
    sql: `select user_id, sum(total_points) as points, sum(moves_successful) as moves
      from user_stats group by 1 order by points desc nulls last, 1 limit 5`,
  },
  {
    title: 'cohorts by number of their campaigns',
    ask: `campaignCohortsAggregate(groupBy: [{ cohortId: {} }], orderBy: [{ count: DESC }]) {
      groups { key { cohort { name } } count values { convertedCount { sum } } } }`,
    sql: `select name, count(*), sum(converted_count) from campaign_cohorts l left join cohorts c on c.id = cohort_id
      group by cohort_id, name order by 2 desc, cohort_id`,
    lookups: 1,
  },
  {
    title: "one's own unread notifications per priority",
    ask: `userNotificationsAggregate(
      filter: { isRead: { equals: false } }, groupBy: [{ priorityLevel: {} }]
    ) { groups { key { priorityLevel } count } }`,
    sql: `select priority_level::text as a, count(*) from user_notifications
      where not is_read group by priority_level order by user_notifications.priority_level`,
  },
  {
    title: 'median time from alert raised to resolved, per agent',
    ask: `systemAlertsAggregate(
      groupBy: [{ triggeredByAgentId: {} }]
      orderBy: [{ statistic: P50, of: TRIGGERED_AT, until: RESOLVED_AT, direction: DESC }]
    ) { groups { key { triggeredByAgent { agentName } } between(from: TRIGGERED_AT, to: RESOLVED_AT) { p50 } } }`,
    sql: `select agent_name, extract(epoch from percentile_cont(0.5) within group (order by resolved_at - triggered_at)) as median
      from system_alerts s left join agent_registry r on r.id = triggered_by_agent_id
      group by triggered_by_agent_id, agent_name order by median desc nulls last, triggered_by_agent_id`,
    lookups: 1,
  },
  {
    title: 'insights by confidence in steps of 10',
    ask: `strategyInsightsAggregate(groupBy: [{ confidenceScore: { width: "10" } }]) {
      groups { key { confidenceScore } count values { impactScore { avg } } } }`,
    sql: `select floor(confidence_score / 10) * 10, count(*), avg(impact_score)
      from strategy_insights group by 1 order by 1`,
  },
  {
    title: 'top 3 agents by failures per agent type',
    ask: `agentPerformanceListAggregate(
      groupBy: [{ agent: { agentType: {} } }, { agentId: {} }]
      partitionBy: [{ agent: { agentType: {} } }]
      orderBy: [{ statistic: SUM, of: FAILURE_COUNT, direction: DESC }]
      first: 3
    ) { groups { key { agentKey { agentType } agentId } values { failureCount { sum } } } }`,
    sql: `select agent_type::text as a, agent_id, failures from (
        select agent_type, agent_id, sum(failure_count) as failures,
          rank() over (partition by agent_type order by sum(failure_count) desc nulls last, agent_id) as place
        from agent_performance p left join agent_registry r on r.id = p.agent_id group by 1, 2) g
      where place <= 3 order by g.agent_type, place`,
  },
  {
    title: 'moves per sprint and state',
    ask: `movesAggregate(groupBy: [{ sprintId: {} }, { status: {} }]) {
      groups { key { sprint { name } status } count values { progressPercentage { avg } } } }`,
    sql: `select s.name, m.status::text as b, count(*), avg(progress_percentage)
      from moves m left join sprints s on s.id = sprint_id
      group by sprint_id, s.name, m.status order by sprint_id nulls last, m.status`,
    lookups: 1,
  },
  {
    title: 'spend by campaign against budget',
    ask: `campaignsAggregate(
      groupBy: [{ id: {} }, { name: {} }], having: { values: { budgetAllocation: { sum: { gt: "0" } } } }
    ) { groups { key { name } values { budgetAllocation { sum } allocatedBudgetAmount { sum } } } }`,
    sql: `select name, budget_allocation, allocated_budget_amount from campaigns
      where budget_allocation > 0 order by id, name`,
  },
  {
    title: 'severities of many alerts that name their agent',
    ask: `systemAlertsAggregate(
      groupBy: [{ severityLevel: {} }],
      having: { filter: { triggeredByAgentId: { isNull: false } }, count: { gt: 2 } }
    ) { groups { key { severityLevel } count } }`,
    sql: `select severity_level::text as a, count(*) from system_alerts s group by severity_level
      having count(triggered_by_agent_id) > 2 order by s.severity_level`,
  },
  {
    title: 'statuses of campaigns by the upper quartile of their planned days',
    ask: `campaignsAggregate(
      groupBy: [{ status: {} }], orderBy: [{ statistic: PERCENTILE, at: 0.75, of: PLANNED_DURATION_DAYS, direction: DESC }]
    ) { groups { key { status } values { plannedDurationDays { percentile(at: 0.75) } } } }`,
    sql: `select status::text as a, percentile_cont(0.75) within group (order by planned_duration_days) as b
      from campaigns c group by c.status order by b desc nulls last, c.status`,
  },
  {
    title: 'campaigns by status, those with few alerts only',
    ask: `campaignsAggregate(
      groupBy: [{ status: {} }], filter: { alerts: { aggregate: { count: { lt: 2 } } } }
    ) { groups { key { status } count } }`,
    sql: `select status::text as a, count(*) from campaigns c
      where (select count(*) from system_alerts where related_campaign_id = c.id) < 2
      group by c.status order by c.status`,
  },
  {
    title: 'signals per source and hour of day',
    ask: `intelligenceSignalsAggregate(
      groupBy: [{ sourceType: {} }, { createdAt: { part: HOUR_OF_DAY, timeZone: "Asia/Kolkata" } }]
    ) { groups { key { sourceType part(of: CREATED_AT) } count distinct { sourceAgentId } } }`,
    sql: `select source_type::text as a, extract(hour from created_at at time zone 'Asia/Kolkata') as b, count(*) as c, count(distinct source_agent_id) as d
      from intelligence_signals i group by source_type, 2 order by i.source_type, 2`,
  },
  {
    title: 'share of the debates that reached a consensus, of those where that is known',
    ask: `agentDebatesAggregate(groupBy: [{ topic: {} }]) {
      groups { key { topic } count values { consensusReached { share } } } }`,
    sql: `select topic, count(*), avg(consensus_reached::int) from agent_debates group by topic order by topic`,
  },
  {
    title: 'workspace totals with roll-up',
    ask: `systemAlertsAggregate(groupBy: [{ status: {} }, { severityLevel: {} }], totals: true) {
      groups { keyCount isTotal key { status severityLevel } count critical: count(filter: { severityLevel: { equals: CRITICAL } }) } }`,
    sql: `select 2 - grouping(status) - grouping(severity_level) as a, grouping(status) + grouping(severity_level) > 0 as b, status::text as c, severity_level::text as d,
        count(*) as e, count(*) filter (where severity_level = 'critical') as f
      from system_alerts s group by grouping sets ((status, severity_level), (status), ())
      order by grouping(status) + grouping(severity_level), s.status nulls last, s.severity_level nulls last`,
  },
  {
    title: 'this month against the last',
    ask: `systemAlertsAggregate(
      filter: { createdAt: { gte: "2026-03-12T00:00:00Z", lt: "2026-03-16T00:00:00Z" } }
      groupBy: [{ severityLevel: {} }]
      compareTo: { column: CREATED_AT, shift: "P4D" }
    ) { groups { key { severityLevel } count previous { count distinct { status } } } }`,
    sql: `select severity_level::text as a, now, before, statuses from (
        select severity_level, count(*) filter (where created_at >= '2026-03-12Z') as now,
          count(*) filter (where created_at < '2026-03-12Z') as before,
          count(distinct status) filter (where created_at < '2026-03-12Z') as statuses
        from system_alerts where created_at >= '2026-03-08Z' and created_at < '2026-03-16Z' group by 1) g
      where now > 0 order by g.severity_level`,
  },
];
