-- The archive's tables and the audit log (db/models/telemetry.py); written by the worker.

CREATE TABLE telemetry_data (
    client_id TEXT NOT NULL,
    stream UUID NOT NULL,
    sequence_no BIGINT NOT NULL,
    metric_key TEXT NOT NULL,
    metric_value DOUBLE PRECISION,
    metric_long BIGINT,
    metric_bool BOOLEAN,
    recorded_at TIMESTAMPTZ NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    claimed_at TIMESTAMPTZ,
    CONSTRAINT telemetry_data_one_value_check CHECK (num_nonnulls(metric_value, metric_long, metric_bool) = 1)
) PARTITION BY RANGE (recorded_at);
CREATE TABLE telemetry_data_default PARTITION OF telemetry_data DEFAULT;
CREATE INDEX telemetry_data_history ON telemetry_data (client_id, metric_key, recorded_at);

CREATE TABLE telemetry_ledger (
    client_id TEXT NOT NULL,
    stream UUID NOT NULL,
    settled INT8MULTIRANGE DEFAULT '{}'::int8multirange NOT NULL,
    rejected INT8MULTIRANGE DEFAULT '{}'::int8multirange NOT NULL,
    lost INT8MULTIRANGE DEFAULT '{}'::int8multirange NOT NULL,
    produced BIGINT DEFAULT 0 NOT NULL,
    archived_count BIGINT DEFAULT 0 NOT NULL,
    duplicate_count BIGINT DEFAULT 0 NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT telemetry_ledger_pkey PRIMARY KEY (client_id, stream)
);

CREATE TABLE telemetry_latest (
    client_id TEXT NOT NULL,
    metric_key TEXT NOT NULL,
    metric_value DOUBLE PRECISION,
    metric_long BIGINT,
    metric_bool BOOLEAN,
    stream UUID NOT NULL,
    sequence_no BIGINT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT telemetry_latest_pkey PRIMARY KEY (client_id, metric_key)
);

CREATE TABLE telemetry_minute (
    client_id TEXT NOT NULL,
    metric_key TEXT NOT NULL,
    minute TIMESTAMPTZ NOT NULL,
    samples BIGINT NOT NULL,
    least DOUBLE PRECISION NOT NULL,
    greatest DOUBLE PRECISION NOT NULL,
    total DOUBLE PRECISION NOT NULL,
    CONSTRAINT telemetry_minute_pkey PRIMARY KEY (client_id, metric_key, minute)
);

CREATE TABLE telemetry_rejects (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    client_id TEXT,
    stream UUID,
    sequence_no BIGINT,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    excerpt TEXT DEFAULT '' NOT NULL,
    received_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    superseded_at TIMESTAMPTZ,
    CONSTRAINT telemetry_rejects_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX telemetry_rejects_reading ON telemetry_rejects (client_id, stream, sequence_no) WHERE stream IS NOT NULL AND sequence_no IS NOT NULL;
CREATE INDEX telemetry_rejects_recent ON telemetry_rejects (received_at DESC);

CREATE TABLE device_presence (
    client_id TEXT NOT NULL,
    status TEXT NOT NULL,
    heartbeat JSON NOT NULL, -- not JSONB, which would turn the double 1e22 into an integer
    heartbeat_at TIMESTAMPTZ,
    received_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT device_presence_pkey PRIMARY KEY (client_id)
);

CREATE TABLE audit_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMPTZ DEFAULT now() NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_type TEXT DEFAULT '' NOT NULL,
    entity_id TEXT DEFAULT '' NOT NULL,
    before JSONB,
    after JSONB,
    detail JSONB,
    address TEXT,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_log_recent ON audit_log (at DESC, id DESC);

-- Partitions by UTC day, for the worker, which may not create tables itself.
CREATE FUNCTION telemetry_partition_name(day date) RETURNS text
LANGUAGE sql STABLE STRICT AS $$
    SELECT to_char(day, '"telemetry_data_y"YYYY"m"MM"d"DD')
$$;

CREATE FUNCTION telemetry_make_partition(day date) RETURNS void
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
    -- Rows of that day that came before their partition stand in the default one and must move with it.
    EXECUTE format('CREATE TABLE %I (LIKE telemetry_data INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM telemetry_data_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', starts, ends, name);
    EXECUTE format('ALTER TABLE telemetry_data ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, starts, ends);
END
$$;

CREATE FUNCTION telemetry_drop_partition(day date) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('telemetry_partitions', 0));
    EXECUTE format('DROP TABLE IF EXISTS %I', telemetry_partition_name(day));
END
$$;

REVOKE EXECUTE ON FUNCTION telemetry_make_partition(date), telemetry_drop_partition(date) FROM PUBLIC;
