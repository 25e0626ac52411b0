-- open_ledger_rows --
-- Make the ledger rows of the streams in a batch that are not there yet; ordered, so that two workers never
-- wait for each other in a ring.
INSERT INTO telemetry_ledger (client_id, stream, first_seen_at, last_seen_at)
SELECT client_id, stream, $3, $3
FROM unnest($1::text[], $2::uuid[]) AS batch (client_id, stream)
ORDER BY client_id, stream
ON CONFLICT (client_id, stream) DO NOTHING

-- lock_ledger_rows --
-- Lock the rows of the batch in the same order, and tell how much room their sets take as they are stored.
SELECT entry.client_id, entry.stream,
       pg_column_size(entry.settled) + pg_column_size(entry.rejected) + pg_column_size(entry.lost) AS bytes
FROM unnest($1::text[], $2::uuid[]) AS batch (client_id, stream)
JOIN telemetry_ledger AS entry USING (client_id, stream)
ORDER BY entry.client_id, entry.stream
FOR UPDATE OF entry

-- read_ledger_rows --
-- Read the part of each account that the batch speaks of (from its lowest to its highest number); the rows are locked
-- already. asyncpg cannot pass arrays of multiranges, so sets travel as text.
SELECT entry.client_id, entry.stream,
       (entry.settled * span)::text AS settled, (entry.rejected * span)::text AS rejected, (entry.lost * span)::text AS lost
FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[]) AS batch (client_id, stream, lowest, highest)
JOIN telemetry_ledger AS entry USING (client_id, stream)
CROSS JOIN LATERAL (SELECT int8multirange(int8range(batch.lowest, batch.highest, '[]')) AS span) AS wanted

-- update_ledger_rows --
-- Apply the settlements; the rows are locked already.
UPDATE telemetry_ledger AS entry
SET settled = entry.settled + batch.settled_added::int8multirange,
    rejected = entry.rejected - batch.rejected_removed::int8multirange + batch.rejected_added::int8multirange,
    lost = entry.lost - batch.lost_removed::int8multirange + batch.lost_added::int8multirange,
    produced = greatest(entry.produced, batch.produced),
    archived_count = entry.archived_count + batch.archived,
    duplicate_count = entry.duplicate_count + batch.duplicates,
    last_seen_at = greatest(entry.last_seen_at, $11)
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::bigint[], $9::bigint[], $10::bigint[])
     AS batch (client_id, stream, settled_added, rejected_added, rejected_removed, lost_added, lost_removed,
               produced, archived, duplicates)
WHERE entry.client_id = batch.client_id AND entry.stream = batch.stream

-- claim_produced --
-- Raise the highest number that streams are known to have made, by what heartbeats say; makes missing rows.
INSERT INTO telemetry_ledger AS entry (client_id, stream, produced, first_seen_at, last_seen_at)
SELECT client_id, stream, produced, seen_at, seen_at
FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::timestamptz[]) AS beat (client_id, stream, produced, seen_at)
ORDER BY client_id, stream
ON CONFLICT (client_id, stream) DO UPDATE
SET produced = excluded.produced, last_seen_at = greatest(entry.last_seen_at, excluded.last_seen_at)
WHERE entry.produced < excluded.produced

-- raise_latest --
-- Move newest values forward; what is not newer by the time of measuring changes nothing, so that replay never
-- moves a tile backwards.
INSERT INTO telemetry_latest AS known
       (client_id, metric_key, metric_value, metric_long, metric_bool, stream, sequence_no, recorded_at, received_at)
SELECT client_id, metric_key, metric_value, metric_long, metric_bool, stream, sequence_no, recorded_at, received_at
FROM unnest($1::text[], $2::text[], $3::float8[], $4::bigint[], $5::boolean[], $6::uuid[], $7::bigint[],
            $8::timestamptz[], $9::timestamptz[])
     AS batch (client_id, metric_key, metric_value, metric_long, metric_bool, stream, sequence_no,
               recorded_at, received_at)
ORDER BY client_id, metric_key
ON CONFLICT (client_id, metric_key) DO UPDATE
SET metric_value = excluded.metric_value, metric_long = excluded.metric_long, metric_bool = excluded.metric_bool,
    stream = excluded.stream, sequence_no = excluded.sequence_no,
    recorded_at = excluded.recorded_at, received_at = excluded.received_at
WHERE (excluded.recorded_at, excluded.stream, excluded.sequence_no) > (known.recorded_at, known.stream, known.sequence_no)

-- add_minutes --
-- Add to the per-minute rollup; a total that would pass the largest double stays there instead of failing.
INSERT INTO telemetry_minute AS known (client_id, metric_key, minute, samples, least, greatest, total)
SELECT client_id, metric_key, minute, samples, lowest, highest, total
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::float8[], $6::float8[], $7::float8[])
     AS batch (client_id, metric_key, minute, samples, lowest, highest, total)
ORDER BY client_id, metric_key, minute
ON CONFLICT (client_id, metric_key, minute) DO UPDATE
SET samples = known.samples + excluded.samples,
    least = least(known.least, excluded.least),
    greatest = greatest(known.greatest, excluded.greatest),
    total = CASE
        WHEN excluded.total > 0 AND known.total > 1.7976931348623157e308::float8 - excluded.total
            THEN 1.7976931348623157e308::float8
        WHEN excluded.total < 0 AND known.total < -1.7976931348623157e308::float8 - excluded.total
            THEN -1.7976931348623157e308::float8
        ELSE known.total + excluded.total END

-- add_rejects --
-- Record what breaks the contract; a reading that is recorded already stays as it was first seen.
INSERT INTO telemetry_rejects (client_id, stream, sequence_no, topic, reason, excerpt, received_at)
SELECT client_id, stream, sequence_no, topic, reason, excerpt, received_at
FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
     AS batch (client_id, stream, sequence_no, topic, reason, excerpt, received_at)
ORDER BY client_id, stream, sequence_no
ON CONFLICT DO NOTHING

-- supersede_rejects --
-- Mark reject rows of numbers whose valid copy is archived in this transaction.
UPDATE telemetry_rejects AS entry
SET superseded_at = $4
FROM unnest($1::text[], $2::uuid[], $3::text[]) AS batch (client_id, stream, numbers)
WHERE entry.client_id = batch.client_id AND entry.stream = batch.stream
  AND entry.sequence_no <@ batch.numbers::int8multirange AND entry.superseded_at IS NULL

-- read_reasons --
-- The reasons of rejected numbers that a batch speaks of, for its receipts.
SELECT entry.client_id, entry.stream, entry.sequence_no, entry.reason
FROM unnest($1::text[], $2::uuid[], $3::text[]) AS batch (client_id, stream, numbers)
JOIN telemetry_rejects AS entry ON entry.client_id = batch.client_id AND entry.stream = batch.stream
WHERE entry.sequence_no <@ batch.numbers::int8multirange AND entry.superseded_at IS NULL

-- note_heartbeats --
-- A fresh heartbeat replaces what is known of a device.
INSERT INTO device_presence (client_id, status, heartbeat, heartbeat_at, received_at)
SELECT client_id, status, heartbeat::json, heartbeat_at, received_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
     AS batch (client_id, status, heartbeat, heartbeat_at, received_at)
ORDER BY client_id
ON CONFLICT (client_id) DO UPDATE
SET status = excluded.status, heartbeat = excluded.heartbeat, heartbeat_at = excluded.heartbeat_at,
    received_at = excluded.received_at

-- note_retained_heartbeats --
-- A retained heartbeat is the broker's old copy: it counts only when nothing as new is known.
INSERT INTO device_presence AS known (client_id, status, heartbeat, heartbeat_at, received_at)
SELECT client_id, status, heartbeat::json, heartbeat_at, received_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
     AS batch (client_id, status, heartbeat, heartbeat_at, received_at)
ORDER BY client_id
ON CONFLICT (client_id) DO UPDATE
SET status = excluded.status, heartbeat = excluded.heartbeat, heartbeat_at = excluded.heartbeat_at,
    received_at = excluded.received_at
WHERE known.heartbeat_at IS NULL OR known.heartbeat_at < excluded.heartbeat_at

-- note_wills --
-- A will changes the status and leaves the last figures and their times alone.
INSERT INTO device_presence (client_id, status, heartbeat, heartbeat_at, received_at)
SELECT client_id, status, '{}'::json, NULL, received_at
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS batch (client_id, status, received_at)
ORDER BY client_id
ON CONFLICT (client_id) DO UPDATE SET status = excluded.status

-- add_audit_rows --
-- Commands as the broker attested them, and what devices answered.
INSERT INTO audit_log (at, actor, action, entity_type, entity_id, detail)
SELECT at, actor, action, 'device', entity_id, detail::jsonb
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[])
     AS batch (at, actor, action, entity_id, detail)

-- current_transaction --
-- The number of this transaction, to ask for its fate when its COMMIT is never answered.
SELECT pg_current_xact_id()::text

-- transaction_state --
-- What became of an earlier transaction; null for one of another history (a restore) or of long ago.
SELECT CASE WHEN $1::text::xid8 < pg_current_xact_id() THEN pg_xact_status($1::text::xid8) END

-- make_partition --
-- Make the partition of one UTC day when it is missing; the function serialises workers by an advisory lock.
SELECT telemetry_make_partition($1::date)

-- probe --
-- Does the database answer, take writes and end a COMMIT? What only reads is answered too while no COMMIT ends (a
-- synchronous standby has gone, the disk does not flush), so a message that nobody reads is committed to the log.
SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'
       AND pg_logical_emit_message(true, 'pulse', '') IS NOT NULL

-- durability --
-- What COMMIT is worth here, and which history the database has. A base backup is no standby; a role without
-- pg_read_all_stats sees no state, so that every sender of WAL counts then.
SELECT current_setting('fsync') = 'on' AS fsync,
       (SELECT count(*) FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup') AS standbys,
       coalesce((SELECT bool_or(sync_state IN ('sync', 'quorum')) FROM pg_stat_replication), false)
           OR current_setting('synchronous_standby_names') <> '' AS synchronous,
       (SELECT history FROM record_version) AS history

-- claim_instance --
-- Take the name of this instance for as long as the connection stands; false: another worker has it.
SELECT pg_try_advisory_lock(hashtext('pulse-ingest instance'), hashtext($1))

-- old_partitions --
-- The days before a limit that have a partition.
SELECT day
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
CROSS JOIN LATERAL (SELECT to_date(relname, '"telemetry_data_y"YYYY"m"MM"d"DD') AS day) AS named
WHERE inhparent = 'telemetry_data'::regclass AND relname <> 'telemetry_data_default' AND day < $1
ORDER BY day

-- expire_partition --
-- Drop a day's partition when nothing in it came at or after the limit.
SELECT telemetry_expire_partition($1::date, $2)

-- expire_default --
-- Delete some rows of the DEFAULT partition that came before the limit.
SELECT telemetry_expire_default($1, $2)

-- expire_rejects --
-- Delete some records of what was rejected before the limit.
SELECT telemetry_expire_rejects($1, $2)

-- request_reconcile --
-- Store that everything since a time is wanted again from every device.
INSERT INTO reconcile_requests (wanted_since) VALUES ($1)

-- reconcile_outlook --
-- What the newest heartbeats say of the confirmed readings that devices still have; null: none told. One that did not
-- come within 90 s of the database's clock says nothing of now: after a restore it is as old as the backup.
SELECT client_id, heartbeat ->> 'kept_since' AS kept_since,
       heartbeat_at IS NOT NULL AND received_at > now() - interval '90 s' AS is_heard
FROM device_presence ORDER BY client_id

-- answer_reconcile --
-- Note which of these devices have sent again what a request wants, as their heartbeats say; a device that was never
-- asked for it has not: what it reports then was for an earlier request.
UPDATE reconcile_devices AS entry
SET done_at = $4, resent_since = beat.resent_since
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS beat (client_id, resent_since, kept_since),
     reconcile_requests AS request
WHERE entry.client_id = beat.client_id AND entry.request_id = request.id AND entry.done_at IS NULL
  AND beat.resent_since BETWEEN request.wanted_since AND greatest(request.wanted_since, beat.kept_since)

-- ask_reconcile --
-- Of these devices, those to be asked now and for what: never asked, or asked a while ago and not done.
WITH due AS (
    SELECT request.id AS request_id, beat.client_id, request.wanted_since
    FROM unnest($1::text[]) AS beat (client_id)
    CROSS JOIN reconcile_requests AS request
    LEFT JOIN reconcile_devices AS entry ON entry.request_id = request.id AND entry.client_id = beat.client_id
    WHERE entry.client_id IS NULL OR (entry.done_at IS NULL AND entry.asked_at <= $3)
), asked AS (
    INSERT INTO reconcile_devices (request_id, client_id, asked_at)
    SELECT request_id, client_id, $2 FROM due ORDER BY request_id, client_id
    ON CONFLICT (request_id, client_id) DO UPDATE SET asked_at = excluded.asked_at
)
SELECT client_id, min(wanted_since) AS wanted_since FROM due GROUP BY client_id ORDER BY client_id
