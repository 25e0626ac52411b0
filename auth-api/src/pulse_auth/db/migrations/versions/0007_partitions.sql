-- A partition may be made while rows of its day go into the DEFAULT one: those that are under way are waited for, and
-- move too. The locks are ATTACH's own, in its order, only taken before the rows are looked at.
CREATE OR REPLACE FUNCTION telemetry_make_partition(day date) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name text := telemetry_partition_name(day);
    starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('telemetry_partitions', 0));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    LOCK TABLE ONLY telemetry_data IN SHARE UPDATE EXCLUSIVE MODE;
    LOCK TABLE telemetry_data_default IN ACCESS EXCLUSIVE MODE;
    -- Rows of that day that came before their partition stand in the default one and must move with it.
    EXECUTE format('CREATE TABLE %I (LIKE telemetry_data INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM telemetry_data_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', starts, ends, name);
    EXECUTE format('ALTER TABLE telemetry_data ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, starts, ends);
END
$$;
