#!/bin/sh
# Restores one backup beside the present database and then puts it in its place. A job of compose.yaml.
#
# The restored database gets a new `history`: desktops notice that it is not the one they knew and take a snapshot,
# instead of going on from versions that it has forgotten. The present database stays under another name.
#
#   restore.sh NAME [--with-keys]   NAME: a folder of PULSE_BACKUPS_DIR, or `newest`; with the keys: on a new server
#   PULSE_KEYS                      folders of the keys, as for backup.sh
#   PG…                             where the database is, and a role that may make and rename databases
#   PULSE_DATABASE_PASSWORD_FILE    file with that role's password, where one is needed
set -eu
umask 077
if [ -n "${PULSE_DATABASE_PASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$PULSE_DATABASE_PASSWORD_FILE")
    export PGPASSWORD
fi
case ${2:-} in '' | --with-keys) ;; *) echo "restore: $2 is unknown; there is --with-keys." >&2; exit 2 ;; esac
folder=${PULSE_BACKUPS_DIR:?}
name=${1:-}
if [ "$name" = newest ]; then
    name=$(ls -1 "$folder" | grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort | tail -n 1)
fi
backup=$folder/$name
if [ -z "$name" ] || [ ! -f "$backup/database.dump" ]; then
    echo "restore: name a backup; there are:" >&2
    ls -1 "$folder" >&2
    exit 2
fi
(cd "$backup" && sha256sum --quiet --strict -c SHA256SUMS)

ask() { psql --no-psqlrc --no-password -q -t -A -v ON_ERROR_STOP=1 -d "$1"; }

using=$(echo "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pulse' AND usename IN ('pulse_auth', 'pulse_ingest')
    AND pid <> pg_backend_pid();" | ask postgres)
if [ "$using" != 0 ]; then
    echo "restore: $using connections use the database; stop the API and the workers first." >&2
    exit 1
fi

# What fails for lack of room must not keep the room that it took.
discard() {
    echo "SET client_min_messages = warning; DROP DATABASE IF EXISTS pulse_restored WITH (FORCE);" | ask postgres
}
trap 'discard || true' EXIT
trap 'exit 1' HUP INT TERM
discard
ask postgres <<SQL
CREATE DATABASE pulse_restored OWNER pulse_auth TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE pulse_restored FROM PUBLIC;
GRANT CONNECT ON DATABASE pulse_restored TO pulse_ingest;
SQL
pg_restore --no-password --exit-on-error --no-owner --role=pulse_auth --dbname=pulse_restored "$backup/database.dump"
ask pulse_restored <<SQL
UPDATE record_version SET history = gen_random_uuid();
ANALYZE;
SQL

if [ "${2:-}" = --with-keys ]; then
    for key in ${PULSE_KEYS:-}; do
        mkdir -p "${key#*=}" # on a new server nobody has made it
        tar -C "${key#*=}" -xf "$backup/${key%%=*}.tar"
    done
fi

former=pulse_before_$(date -u +%Y%m%dt%H%M%Sz)_$$
# Either both or neither: ALTER DATABASE may stand in a transaction.
ask postgres <<SQL
BEGIN;
ALTER DATABASE pulse RENAME TO $former;
ALTER DATABASE pulse_restored RENAME TO pulse;
COMMIT;
SQL
trap - EXIT HUP INT TERM

# Five minutes of slack: a commit that was under way, and clocks.
since=$(date -u -d "@$(($(date -u -d "$(cat "$backup/taken-at")" +%s) - 300))" +%Y-%m-%dT%H:%M:%SZ)
echo "$since" > "$folder/reconcile-since"
echo "restore: $name is in place; the former database is called $former"
echo "restore: now ask the devices for what came after it: pulse-ingest reconcile --since $since"

# Rights that were taken after the backup are given again, and nothing in the restored database says so. The newest
# changes stand in the former one; what the restored one has too, from the slack before the backup, is not forgotten.
most=200
forgotten() {
    there=$(echo "SELECT to_regclass('audit_log') IS NOT NULL;" | ask "$former") || return 1
    if [ "$there" = f ]; then
        echo "restore: the former database held nothing: what rights were changed after the backup only you can know;"
        echo "restore: see docs/runbooks/restore.md"
        return
    fi
    known=$(echo "SELECT coalesce(string_agg(extract(epoch FROM at)::text, ','), '0') FROM audit_log
        WHERE at >= '$since';" | ask pulse) || return 1
    lines=$(ask "$former" <<SQL
WITH forgotten AS (
    SELECT *, row_number() OVER (ORDER BY at DESC, id DESC) AS number FROM audit_log
    WHERE at >= '$since' AND extract(epoch FROM at) NOT IN ($known) AND action <> 'change.refused'
        AND action NOT SIMILAR TO '(session|command|backup|telemetry|enrollment_code)[.]%'
)
SELECT regexp_replace(concat_ws('  ',
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), actor, action,
    concat_ws(' ', nullif(entity_type, ''), coalesce(after ->> 'username', before ->> 'username', after ->> 'name',
        before ->> 'name', nullif(concat_ws(' ', detail ->> 'user', detail ->> 'role', detail ->> 'permission',
        detail ->> 'purpose'), '')), nullif(entity_id, ''))), '[[:cntrl:]]', '?', 'g')
FROM forgotten WHERE number <= $most ORDER BY at, id;
SQL
    ) || return 1
    if [ -z "$lines" ]; then
        echo "restore: the former database knows of no right that was changed after the backup."
        return
    fi
    echo "restore: forgotten by this restore (the newest $most at most); see docs/runbooks/restore.md,"
    echo "restore: and do again what still counts:"
    printf '%s\n' "$lines" | sed 's/^/  /'
}
# Where the former one had been restored itself, it does not know what that restore forgot.
earlier() {
    others=$(echo "SELECT string_agg(datname, ', ' ORDER BY datname) FROM pg_database
        WHERE starts_with(datname, 'pulse_before_') AND datname <> '$former';" | ask postgres) || return 1
    [ -z "$others" ] ||
        echo "restore: the former database does not know what earlier restores forgot ($others): see the lists of those restores."
}
{ forgotten && earlier; } ||
    echo "restore: what rights were changed after the backup cannot be told; see docs/runbooks/restore.md" >&2
