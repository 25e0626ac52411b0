-- The few rows with declared losses are found without reading the others (db/models/telemetry.py). All steps are one
-- transaction, so the index is made under a lock that writers of the ledger wait for: a look at each row, which has one
-- for each start of a device, about a second for a million. Devices keep their readings meanwhile.
CREATE INDEX telemetry_ledger_lost ON telemetry_ledger (client_id) WHERE lost && '{(,)}'::int8multirange;
