-- Campaigns are touched once a statement, and in one order: two writers of quests of the same
-- campaigns, in opposite orders, wait for each other instead of ending in a deadlock.

CREATE OR REPLACE FUNCTION public.touch_campaign() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT campaign_id FROM new_rows);
  ELSIF TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT campaign_id FROM old_rows);
  ELSE
    changed := ARRAY(
      SELECT unnest(ARRAY[o.campaign_id, n.campaign_id])
      FROM old_rows AS o JOIN new_rows AS n USING (id)
      WHERE o.* IS DISTINCT FROM n.*);
  END IF;
  -- Once a transaction: a thousand quests written together are one new version of the campaign.
  UPDATE public.campaigns SET updated_at = now()
  WHERE id IN (
    SELECT id FROM public.campaigns
    WHERE id = ANY (changed) AND xmin <> pg_current_xact_id()::xid
    ORDER BY id FOR NO KEY UPDATE);
  RETURN NULL;
END $$;

DO $$
DECLARE
  target regclass;
BEGIN
  FOREACH target IN ARRAY '{campaign_quests,campaign_cohorts}'::regclass[] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER touch_campaign AFTER INSERT ON %s'
      ' REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign()', target);
    EXECUTE format('CREATE OR REPLACE TRIGGER touch_campaign_on_change AFTER UPDATE ON %s'
      ' REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign()', target);
    EXECUTE format('CREATE OR REPLACE TRIGGER touch_campaign_on_delete AFTER DELETE ON %s'
      ' REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign()', target);
  END LOOP;
END $$;
