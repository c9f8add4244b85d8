-- Changes of parts of a JSON value, on the value that is stored when they are made: two writers of
-- different parts lose neither.

CREATE OR REPLACE FUNCTION gateway.jsonb_patch(target jsonb, operations jsonb, column_name text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  operation jsonb;
  path text[];
  removes boolean;
  parent jsonb;
  problem text;
BEGIN
  <<each_operation>>
  FOR operation IN SELECT o.value FROM jsonb_array_elements(operations) WITH ORDINALITY AS o ORDER BY o.ordinality LOOP
    path := ARRAY(SELECT p.value FROM jsonb_array_elements_text(operation -> 'path') WITH ORDINALITY AS p ORDER BY p.ordinality);
    removes := coalesce((operation ->> 'remove')::boolean, false);
    FOR i IN 1 .. cardinality(path) LOOP
      parent := target #> path[1 : i - 1];
      CASE coalesce(jsonb_typeof(parent), 'null')
        WHEN 'object' THEN
          CONTINUE;
        WHEN 'null' THEN
          CONTINUE each_operation WHEN removes;
          target := CASE i WHEN 1 THEN '{}' ELSE jsonb_set(target, path[1 : i - 1], '{}') END;
        WHEN 'array' THEN
          -- The length itself is the position of a new item.
          CONTINUE WHEN path[i] ~ '^(0|[1-9][0-9]{0,8})$' AND path[i]::integer <= jsonb_array_length(parent);
          CONTINUE each_operation WHEN removes;
          problem := format('there is no position "%s" in the array', path[i]);
        ELSE
          CONTINUE each_operation WHEN removes;
          problem := format('there is nothing to hold "%s"', path[i]);
      END CASE;
      IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%, at the path %', problem, array_to_string(path, '.')
          USING ERRCODE = 'invalid_parameter_value', COLUMN = coalesce(column_name, '');
      END IF;
    END LOOP;
    target := CASE WHEN removes THEN target #- path ELSE jsonb_set(target, path, operation -> 'set') END;
  END LOOP;
  RETURN target;
END $$;
COMMENT ON FUNCTION gateway.jsonb_patch IS 'The target after these operations, in order: [{"path": ["a", "0"], "set": value} or {"path": [...], "remove": true}]. Missing objects on the way to what is set are made; what is not there need not be removed. Raises invalid_parameter_value, with the name of the column, for a path through anything else than objects and arrays, or beyond the end of an array.';
