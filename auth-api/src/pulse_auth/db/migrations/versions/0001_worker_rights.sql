-- What the ingest worker may do; run only where its role exists.
GRANT USAGE ON SCHEMA public TO pulse_ingest;
GRANT SELECT, INSERT, UPDATE ON
    telemetry_data, telemetry_data_default, telemetry_ledger, telemetry_latest, telemetry_minute, telemetry_rejects,
    device_presence TO pulse_ingest;
GRANT SELECT, INSERT ON audit_log TO pulse_ingest;
GRANT SELECT ON devices TO pulse_ingest;
GRANT EXECUTE ON FUNCTION telemetry_make_partition(date), telemetry_drop_partition(date) TO pulse_ingest;
