-- What the ingest worker may do besides 0001; run only where its role exists.
GRANT SELECT, INSERT ON reconcile_requests TO pulse_ingest;
GRANT SELECT, INSERT, UPDATE ON reconcile_devices TO pulse_ingest;
GRANT SELECT (history) ON record_version TO pulse_ingest;
GRANT EXECUTE ON FUNCTION telemetry_expire_partition(date, timestamptz), telemetry_expire_default(timestamptz, bigint)
    TO pulse_ingest;
