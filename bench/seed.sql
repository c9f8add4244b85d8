-- The bench's data: 20 workspaces, of which the first is measured. With the setting `bench.scale` at 1
-- there are about 668,000 rows, 54,000 of them alerts of the first workspace. The same every time.

-- Triggers check and record what people write; what they would do is in these rows already.
SET session_replication_role = replica;

CREATE FUNCTION pg_temp.scaled(many integer, at_least integer) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT greatest(at_least, round(many * current_setting('bench.scale')::numeric)::integer)
$$;
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT md5(kind || n)::uuid
$$;
-- The newest of a kind is number 1; two moments are never the same.
CREATE FUNCTION pg_temp.moment(n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT timestamptz '2026-06-01 12:00:00Z' - n * interval '1.237 seconds'
$$;
CREATE FUNCTION pg_temp.pick(options text[], n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT options[1 + n % cardinality(options)]
$$;

CREATE TEMP TABLE size AS
SELECT w, pg_temp.id('workspace', w) AS workspace_id,
       pg_temp.scaled(CASE w WHEN 1 THEN 1400 ELSE 600 END, 40) AS campaigns,
       pg_temp.scaled(CASE w WHEN 1 THEN 54000 ELSE 21800 END, 540) AS alerts,
       pg_temp.scaled(100, 25) AS cohorts
FROM generate_series(1, 20) AS w;

INSERT INTO auth.users (id, email)
SELECT pg_temp.id('person', n), format('person%s@example.com', n) FROM generate_series(1, 100) AS n;

INSERT INTO public.workspaces (id, name, slug, created_at)
SELECT workspace_id, format('Workspace %s', w), format('workspace-%s', w), pg_temp.moment(w) FROM size;

-- Each person is in two workspaces; person 1 owns the measured one.
INSERT INTO public.user_workspaces (id, user_id, workspace_id, role, joined_at)
SELECT pg_temp.id('member', n * 2 + second), pg_temp.id('person', n),
       pg_temp.id('workspace', 1 + (n - 1 + second * 7) % 20),
       CASE WHEN n <= 20 AND second = 0 THEN 'Owner' ELSE 'Analyst' END::public.member_role,
       pg_temp.moment(10 - second)
FROM generate_series(1, 100) AS n, generate_series(0, 1) AS second;

INSERT INTO public.agent_registry (id, agent_name, agent_type, guild_name, created_at)
SELECT pg_temp.id('agent', n), format('agent-%s', n),
       (enum_range(NULL::public.agent_type))[1 + n % cardinality(enum_range(NULL::public.agent_type))],
       format('Guild %s', n % 7), pg_temp.moment(n)
FROM generate_series(1, 60) AS n;

INSERT INTO public.positioning (id, workspace_id, name, market_segment, key_message, created_at)
SELECT pg_temp.id('positioning', w * 1000 + n), workspace_id, format('Positioning %s', n),
       format('Segment %s', n % 5), format('What we want to be known for, put in words the %s. time', n),
       pg_temp.moment(n)
FROM size, generate_series(1, 50) AS n;

INSERT INTO public.cohorts (id, workspace_id, name, health_score, created_at)
SELECT pg_temp.id('cohort', w * 100000 + n), workspace_id, format('Cohort "%s"', n), n % 101, pg_temp.moment(n)
FROM size, generate_series(1, cohorts) AS n;

INSERT INTO public.campaigns (id, workspace_id, name, status, positioning_id, budget_allocation, created_at)
SELECT pg_temp.id('campaign', w * 100000 + n), workspace_id, format('Campaign %s', n),
       (enum_range(NULL::public.campaign_status))[1 + n % cardinality(enum_range(NULL::public.campaign_status))],
       CASE WHEN n % 9 > 0 THEN pg_temp.id('positioning', w * 1000 + 1 + n % 50) END,
       CASE WHEN n % 11 > 0 THEN n * 12.5 END, pg_temp.moment(n)
FROM size, generate_series(1, campaigns) AS n;

INSERT INTO public.campaign_quests (id, workspace_id, campaign_id, name, status, quest_order, created_at)
SELECT pg_temp.id('quest', (w * 100000 + n) * 100 + m), workspace_id, pg_temp.id('campaign', w * 100000 + n),
       format('Quest %s of campaign %s', m, n),
       (enum_range(NULL::public.quest_status))[1 + m % cardinality(enum_range(NULL::public.quest_status))],
       m, pg_temp.moment(n * 10 + m)
FROM size, generate_series(1, campaigns) AS n, generate_series(1, 10) AS m;

INSERT INTO public.campaign_cohorts (id, workspace_id, campaign_id, cohort_id, created_at)
SELECT pg_temp.id('link', (w * 100000 + n) * 100 + m), workspace_id, pg_temp.id('campaign', w * 100000 + n),
       pg_temp.id('cohort', w * 100000 + 1 + (n + m * 5) % cohorts), pg_temp.moment(n * 10 + m)
FROM size, generate_series(1, campaigns) AS n, generate_series(1, 4) AS m;

INSERT INTO public.system_alerts (id, workspace_id, alert_type, severity_level, status, title, message,
  triggered_by_agent_id, triggered_by_event, related_campaign_id, created_at, updated_at)
SELECT pg_temp.id('alert', w::bigint * 1000000 + n), workspace_id,
       pg_temp.pick('{performance,error,milestone,anomaly,action_required,opportunity}', n)::public.alert_type,
       pg_temp.pick('{critical,high,medium,low,info}', n / 3)::public.alert_severity,
       pg_temp.pick('{active,active,active,active,active,acknowledged,acknowledged,resolved,resolved,dismissed}', n / 7)::public.alert_status,
       format('Alert %s: the figures left their usual range', n),
       CASE WHEN n % 13 > 0 THEN format(E'Between two readings the value moved by %s %%.\nLook at "reach" first.', n % 97) END,
       CASE WHEN n % 10 > 0 THEN pg_temp.id('agent', 1 + n % 60) END,
       CASE WHEN n % 4 > 0 THEN format('metric.%s', n % 17) END,
       CASE WHEN n % 50 > 0 THEN pg_temp.id('campaign', w * 100000 + 1 + (n::bigint * 7919) % campaigns) END,
       pg_temp.moment(n), pg_temp.moment(n)
FROM size, generate_series(1, alerts) AS n;

INSERT INTO public.support_feedback (id, workspace_id, title, content, related_cohort_ids, created_at)
SELECT pg_temp.id('feedback', w * 100000 + n), workspace_id, format('Feedback %s', n), 'They would like it simpler.',
       ARRAY(SELECT pg_temp.id('cohort', w * 100000 + 1 + (n * 3 + m * 7) % cohorts) FROM generate_series(0, n % 4) AS m),
       pg_temp.moment(n)
FROM size, generate_series(1, 200) AS n;

-- Nobody subscribes to these changes.
TRUNCATE gateway.change;
RESET session_replication_role;
