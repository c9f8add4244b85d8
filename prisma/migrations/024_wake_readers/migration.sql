-- Close is what comes within the time that a disk takes to flush: commits that queue for the lock of
-- NOTIFY follow one another no sooner. Those farther apart cost nothing by waking readers, which
-- would be told of them later by polling.

CREATE OR REPLACE FUNCTION gateway.wake_readers() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  now_ bigint := date_part('epoch', clock_timestamp()) * 1000;
  awake_until bigint := (SELECT last_value FROM gateway.readers_awake_until);
BEGIN
  IF awake_until <= now_
    AND (SELECT last_value FROM gateway.readers_listen_until) >= now_
    -- A long transaction that wakes readers in the end keeps others from it only once.
    AND current_setting('gateway.wakes_readers', true) IS DISTINCT FROM 'no'
  THEN
    PERFORM setval('gateway.readers_awake_until', CASE WHEN awake_until > now_ - 5 THEN now_ + 25 ELSE now_ END),
      set_config('gateway.wakes_readers', 'no', true);
    NOTIFY gateway_change;
  END IF;
END $$;
