-- Deletes at most so many records of what was rejected that came before the limit; tells how many. The ledger stays as it
-- is, so that a rejected number stays rejected.
CREATE FUNCTION telemetry_expire_rejects(came_before timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM telemetry_rejects WHERE id = ANY (ARRAY(
        SELECT id FROM telemetry_rejects WHERE received_at < came_before ORDER BY received_at LIMIT most
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;
REVOKE EXECUTE ON FUNCTION telemetry_expire_rejects(timestamptz, bigint) FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pulse_ingest') THEN
        GRANT EXECUTE ON FUNCTION telemetry_expire_rejects(timestamptz, bigint) TO pulse_ingest;
    END IF;
END
$$;
