-- What the archive asks devices for again after a restore, and how old telemetry is dropped (db/models/telemetry.py).

CREATE TABLE reconcile_requests (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    wanted_since TIMESTAMPTZ NOT NULL,
    requested_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT reconcile_requests_pkey PRIMARY KEY (id)
);

CREATE TABLE reconcile_devices (
    request_id BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    resent_since TIMESTAMPTZ,
    done_at TIMESTAMPTZ,
    CONSTRAINT reconcile_devices_pkey PRIMARY KEY (request_id, client_id),
    CONSTRAINT reconcile_devices_request_id_fkey FOREIGN KEY (request_id) REFERENCES reconcile_requests (id)
);

-- Drops a day's partition unless something in it came at or after the limit; tells whether it was dropped.
-- The ledger stays as it is, so that what is dropped counts as archived and never as missing.
CREATE FUNCTION telemetry_expire_partition(day date, came_before timestamptz) RETURNS boolean
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name text := telemetry_partition_name(day);
    kept boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('telemetry_partitions', 0));
    IF to_regclass(name) IS NULL THEN
        RETURN false;
    END IF;
    -- Nobody may add a late reading between the look and the drop; readers go on until the drop.
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', name);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE received_at >= $1)', name) INTO kept USING came_before;
    IF kept THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
END
$$;

-- Deletes at most so many rows of the DEFAULT partition that came before the limit; tells how many.
CREATE FUNCTION telemetry_expire_default(came_before timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM telemetry_data_default WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM telemetry_data_default WHERE received_at < came_before LIMIT most));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

REVOKE EXECUTE ON FUNCTION telemetry_expire_partition(date, timestamptz),
    telemetry_expire_default(timestamptz, bigint) FROM PUBLIC;

-- Telling a base backup from a standby needs this right; without it every sender of WAL counts as a standby.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pulse_ingest') THEN
        GRANT pg_read_all_stats TO pulse_ingest;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END
$$;
