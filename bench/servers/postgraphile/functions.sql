-- What PostGraphile offers only where the database has a function for it: a list of ids as rows is a
-- computed column, many rows at once are a mutation of our own. Both run with the caller's rights.

CREATE OR REPLACE FUNCTION public.support_feedback_related_cohorts(feedback public.support_feedback)
RETURNS SETOF public.cohorts LANGUAGE sql STABLE AS $$
  SELECT c.* FROM unnest(feedback.related_cohort_ids) WITH ORDINALITY AS related (id, place)
  JOIN public.cohorts AS c ON c.workspace_id = feedback.workspace_id AND c.id = related.id
  ORDER BY related.place
$$;

CREATE OR REPLACE FUNCTION public.bench_create_alerts(alerts jsonb)
RETURNS SETOF public.system_alerts LANGUAGE sql VOLATILE AS $$
  INSERT INTO public.system_alerts (workspace_id, title, message, alert_type, severity_level)
  SELECT public.current_workspace_id(), title, message, lower("alertType")::public.alert_type,
         lower("severityLevel")::public.alert_severity
  FROM jsonb_to_recordset(alerts) AS r (title text, message text, "alertType" text, "severityLevel" text)
  RETURNING *
$$;
