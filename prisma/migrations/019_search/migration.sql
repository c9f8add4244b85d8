-- Search: words, beginnings of words, and titles that resemble what was typed.

-- An extension that is installed in another schema is used from there. All three are trusted: roles that
-- may create in the database may install them.
CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA gateway;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA gateway;
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA gateway;

-- What depends on where the extensions are. Names in these functions are looked up now and not when they
-- are called, so that callers need no rights on that schema.
DO $do$
DECLARE
  trigrams regnamespace := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_trgm');
  accents regnamespace := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'unaccent');
BEGIN
  IF NOT EXISTS (SELECT FROM pg_ts_dict WHERE dictnamespace = 'gateway'::regnamespace AND dictname = 'without_accents') THEN
    EXECUTE format('CREATE TEXT SEARCH DICTIONARY gateway.without_accents (TEMPLATE = %s.unaccent, RULES = ''unaccent'')', accents);
  END IF;
  EXECUTE format($function$
CREATE OR REPLACE FUNCTION gateway.resembles(word text, title text) RETURNS boolean
LANGUAGE sql STABLE RETURN word OPERATOR(%s.<%%) title
$function$, trigrams);
  EXECUTE format($function$
CREATE OR REPLACE FUNCTION gateway.word_likeness(word text, title text) RETURNS real
LANGUAGE sql IMMUTABLE RETURN %s.strict_word_similarity(word, title)
$function$, trigrams);
  EXECUTE format($function$
CREATE OR REPLACE FUNCTION gateway.likeness(one text, other text) RETURNS real
LANGUAGE sql IMMUTABLE RETURN %s.similarity(one, other)
$function$, trigrams);
END $do$;
COMMENT ON FUNCTION gateway.resembles IS 'Whether the title has letters that resemble this word, by pg_trgm.word_similarity_threshold; both as search_title() writes them.';
COMMENT ON FUNCTION gateway.word_likeness IS 'How much the most similar words of the title resemble this one, from 0 to 1.';
COMMENT ON FUNCTION gateway.likeness IS 'How much two texts resemble each other, from 0 to 1.';

-- Texts as they are searched. Their beginnings only: a tsvector takes 1 MB at most, and a row with a
-- longer text is to be written all the same.

CREATE OR REPLACE FUNCTION gateway.search_words(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  start text := left(value, 20000);
BEGIN
  IF octet_length(start) = length(start) THEN
    RETURN lower(regexp_replace(start, '[!-/:-@\[-`{-~]+', ' ', 'g'));
  END IF;
  start := normalize(start, NFKC);
  start := lower(coalesce((ts_lexize('gateway.without_accents', start))[1], start));
  start := regexp_replace(start, '[!-/:-@\[-`{-~\u00a1-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g');
  -- Chinese and Japanese are written without spaces: each character is a word.
  RETURN regexp_replace(start, '([\u3041-\u30ff\u3400-\u9fff])', ' \1 ', 'g');
END $$;
COMMENT ON FUNCTION gateway.search_words IS 'The words of a text as they are searched: in small letters, without accents and punctuation.';

CREATE OR REPLACE FUNCTION gateway.search_vector(title text, body text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 3000 AS $$
BEGIN
  RETURN setweight(to_tsvector('pg_catalog.simple', coalesce(gateway.search_words(title), '')), 'A')
    || setweight(to_tsvector('pg_catalog.simple', coalesce(gateway.search_words(body), '')), 'C');
END $$;
COMMENT ON FUNCTION gateway.search_vector IS 'The words of a row; those of its title weigh more.';

-- pg_trgm knows letters by the database's locale, and in some of them only those of English. Any letter
-- of a to z can replace them for comparisons.
CREATE OR REPLACE FUNCTION gateway.search_title(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
DECLARE
  words text := gateway.search_words(left(value, 300));
BEGIN
  IF octet_length(words) = length(words) THEN
    RETURN words;
  END IF;
  RETURN (
    SELECT string_agg(CASE WHEN ascii(letter) < 128 THEN letter ELSE chr(97 + ascii(letter) % 26) END, '' ORDER BY n)
    FROM unnest(string_to_array(words, NULL)) WITH ORDINALITY AS letters(letter, n));
END $$;
COMMENT ON FUNCTION gateway.search_title IS 'A title as trigrams are taken of it: its words, in letters of a to z.';

CREATE OR REPLACE FUNCTION gateway.search_list(items text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ' ' || array_to_string(items, ' ');
END $$;
COMMENT ON FUNCTION gateway.search_list IS 'The items of a list in one text; null for a missing list.';

-- What is searched: columns that everybody reads who sees the row. For each table an index that begins
-- with the workspace, and its part of the view.
DO $$
DECLARE
  source record;
  parts text[] := '{}';
BEGIN
  FOR source IN SELECT * FROM (VALUES
    ('AGENT', 'agent_registry', 'agent_name', ARRAY['guild_name', 'description', 'purpose'], ARRAY['domain_expertise']),
    ('ASSET', 'assets', 'name', ARRAY['description'], ARRAY['tags']),
    ('CAMPAIGN', 'campaigns', 'name', ARRAY['objective', 'description'], ARRAY['target_segments', 'target_geographies']),
    ('COHORT', 'cohorts', 'name', ARRAY['executive_summary', 'buyer_role'], ARRAY['pain_points', 'goals', 'tags']),
    ('INTELLIGENCE_SIGNAL', 'intelligence_signals', 'signal_title', ARRAY['signal_description', 'data_source'], ARRAY['key_findings']),
    ('MARKET_INSIGHT', 'market_insights', 'insight_title', ARRAY['insight_description', 'category', 'potential_impact'], ARRAY['key_conclusions']),
    ('POSITIONING', 'positioning', 'name', ARRAY['market_segment', 'target_persona', 'key_message', 'value_proposition', 'differentiation', 'description'], '{}'),
    ('STRATEGY_INSIGHT', 'strategy_insights', 'title', ARRAY['description', 'recommended_action'], '{}'),
    ('SYSTEM_ALERT', 'system_alerts', 'title', ARRAY['message', 'description'], '{}')
  ) AS sources(kind, name, title, texts, lists) LOOP
    DECLARE
      body text := (
        SELECT string_agg(part, ' || ') FROM (
          SELECT format('coalesce('' '' || %I, '''')', name) AS part FROM unnest(source.texts) AS name
          UNION ALL
          SELECT format('coalesce(gateway.search_list(%I), '''')', name) FROM unnest(source.lists) AS name
        ) AS parts);
      workspace text := CASE source.name WHEN 'agent_registry' THEN '' ELSE 'workspace_id, ' END;
      trigrams regnamespace := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_trgm');
    BEGIN
      EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON public.%I USING gin (%s'
        'gateway.search_vector(%I, %s), gateway.search_title(%4$I) %6$s.gin_trgm_ops)',
        source.name || '_search_idx', source.name, workspace, source.title, body, trigrams);
      parts := parts || format('SELECT %L::text AS kind, %s AS workspace_id, id, created_at,'
        ' %I::text AS title, %s AS body FROM public.%I',
        source.kind, CASE workspace WHEN '' THEN 'public.current_workspace_id()' ELSE 'workspace_id' END,
        source.title, body, source.name);
    END;
  END LOOP;
  EXECUTE 'CREATE OR REPLACE VIEW gateway.searchable AS ' || array_to_string(parts, ' UNION ALL ');
END $$;
CALL gateway.revoke_all('gateway.searchable');


-- Loads pg_trgm: until then only a superuser may make a function that sets its threshold.
SELECT gateway.likeness('', '');

-- The rows are read under their policies afterwards. This says which, without policies: Postgres starts
-- from these indexes only where no policy has to be asked first, since their operators could report rows
-- that a policy hides. So it asks once whether the reader is of the workspace, all of whose members see
-- all of its rows in these tables, and looks at no others. Scores are made of the row and of what was
-- asked for alone: how frequent a word is would reveal rows of others.
--
-- Of each kind the newest 300 matches are ranked, so that a word that is everywhere does not take long.
CREATE OR REPLACE FUNCTION gateway.search(
  words text, kinds text[], take integer,
  after_score integer, after_moment bigint, after_kind text, after_id uuid
) RETURNS TABLE (kind text, total integer, approximate boolean, id uuid, score integer, moment bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET pg_trgm.word_similarity_threshold = 0.28 AS $$
DECLARE
  workspace CONSTANT uuid := public.current_workspace_id();
  wanted CONSTANT text[] := tsvector_to_array(gateway.search_vector(words, NULL));
  -- One letter is the beginning of too much.
  beginnings CONSTANT text[] := ARRAY(
    SELECT quote_literal(word) || CASE WHEN length(word) > 1 THEN ':*' ELSE '' END FROM unnest(wanted) AS word);
  -- A slip changes a larger part of a short word.
  least_likeness CONSTANT numeric[] := ARRAY(
    SELECT greatest(0.19, (length(word) - 3.5) / (length(word) + 5)) FROM unnest(wanted) AS word);
  misspelt boolean[] := array_fill(false, ARRAY[cardinality(wanted)]);
  known text;
  condition text;
BEGIN
  IF wanted = '{}' OR NOT coalesce(public.is_workspace_member(workspace), false) THEN
    RETURN;
  END IF;
  LOOP
    SELECT string_agg(beginning, ' & ') FILTER (WHERE NOT misspelt[n]),
           coalesce(string_agg(format('gateway.resembles($3[%1$s], gateway.search_title(s.title))'
             ' AND gateway.word_likeness($3[%1$s], gateway.search_title(s.title)) >= $4[%1$s]', n), ' AND ')
             FILTER (WHERE misspelt[n]), 'true')
    INTO known, condition FROM unnest(beginnings) WITH ORDINALITY AS b(beginning, n);
    IF known IS NOT NULL THEN
      condition := condition || ' AND gateway.search_vector(s.title, s.body) @@ $6';
    END IF;
    RETURN QUERY EXECUTE format($query$
      WITH found AS MATERIALIZED (
        SELECT k.kind COLLATE "C" AS kind, m.total::integer, m.id, (extract(epoch FROM m.created_at) * 1000)::bigint AS moment,
               round(1000000 * (
                 ts_rank('{0,0.1,0.1,1}', w.vector, $5) + coalesce(ts_rank('{0,0.1,0.1,1}', w.vector, $6), 0)
                 + gateway.likeness(w.title, $7)
                 + coalesce((
                   SELECT avg(gateway.word_likeness($3[n], w.title))
                   FROM unnest($8) WITH ORDINALITY AS each(is_misspelt, n) WHERE is_misspelt), 0)))::integer AS score
        FROM unnest($2) AS k(kind)
        CROSS JOIN LATERAL (
          SELECT s.id, s.created_at, count(*) OVER () AS total
          FROM gateway.searchable AS s WHERE s.kind = k.kind AND s.workspace_id = $1 AND %s
          ORDER BY s.created_at DESC, s.id DESC LIMIT 300
        ) AS m
        CROSS JOIN LATERAL (
          SELECT gateway.search_vector(s.title, s.body) AS vector, gateway.search_title(s.title) AS title
          FROM gateway.searchable AS s WHERE s.kind = k.kind AND s.id = m.id OFFSET 0
        ) AS w
      ), page AS (
        SELECT * FROM found
        WHERE $9 IS NULL OR (-score, -moment, kind, id) > (-$9, -$10, $11, $12)
        ORDER BY score DESC, moment DESC, kind, id LIMIT $13
      )
      SELECT t.kind, t.total, true = ANY ($8), p.id, p.score, p.moment
      FROM (SELECT DISTINCT kind, total FROM found) AS t LEFT JOIN page AS p USING (kind)
      ORDER BY p.score DESC NULLS LAST, p.moment DESC, kind, p.id
    $query$, condition)
    USING workspace, kinds, ARRAY(SELECT gateway.search_title(word) FROM unnest(wanted) AS word), least_likeness,
      plainto_tsquery('pg_catalog.simple', gateway.search_words(words)), known::tsquery,
      gateway.search_title(words), misspelt, after_score, after_moment, after_kind, after_id, take;
    EXIT WHEN FOUND OR true = ANY (misspelt);
    -- Where nothing has all words, those are taken for misspelt with which no word of the workspace begins.
    misspelt := ARRAY(
      SELECT length(word) > 3 AND NOT EXISTS (
        SELECT FROM gateway.searchable AS s
        WHERE s.kind = ANY (kinds) AND s.workspace_id = workspace
          AND gateway.search_vector(s.title, s.body) @@ beginnings[n]::tsquery)
      FROM unnest(wanted) WITH ORDINALITY AS w(word, n) ORDER BY n);
    EXIT WHEN NOT true = ANY (misspelt);
  END LOOP;
END $$;
COMMENT ON FUNCTION gateway.search IS 'What is found in the current workspace, best first and of equals the newest, behind a place in that order: at most so many rows, and for each kind how many there are in all. A kind of which no row is among these has one without an id; one of which nothing is found has none. Approximate if words were taken for misspelt. Nothing for those who are not of the workspace.';
REVOKE EXECUTE ON FUNCTION gateway.search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.search TO authenticated, service_role;
