-- A page of the log is read by the transactions that it is about, however long the log is: the plan
-- that Postgres kept for any parameters went through all of it.

CREATE OR REPLACE FUNCTION gateway.changes_between(
  seen pg_snapshot, until pg_snapshot, after_seq bigint, page_size integer,
  tables text[] DEFAULT NULL, workspace uuid DEFAULT NULL, person uuid DEFAULT NULL
) RETURNS TABLE (more boolean, changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off SET jit = off AS $$
DECLARE
  page jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_array(c.seq, c.table_name, c.row_id, c.operation, c.workspace_id, c.reader_id,
      c.changed_columns, (extract(epoch FROM c.occurred_at) * 1000)::bigint) ORDER BY c.seq), '[]')
  INTO page
  FROM (
    SELECT c.*
    FROM gateway.transactions_between(seen, until) AS t
    CROSS JOIN LATERAL (
      SELECT c.* FROM gateway.change AS c
      WHERE c.xid >= t.first AND c.xid < t.beyond AND c.seq > after_seq
      -- Keeps the range a condition of the index: as a join it may be a filter on the whole log.
      OFFSET 0
    ) AS c
    WHERE tables IS NULL OR c.table_name = ANY (tables)
      AND (c.workspace_id IS NULL OR c.workspace_id = workspace)
      AND (c.reader_id IS NULL OR c.reader_id = person)
    ORDER BY c.seq LIMIT page_size + 1
  ) AS c;
  RETURN QUERY SELECT jsonb_array_length(page) > page_size,
    CASE WHEN jsonb_array_length(page) > page_size THEN page - page_size ELSE page END;
END $$;
