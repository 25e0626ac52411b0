#!/bin/sh
# Writes one backup: the database, and the keys without which a restored system is another one. A job of compose.yaml.
#
#   PULSE_BACKUPS_DIR   folder of the backups; one folder each, named by its time (UTC)
#   PULSE_BACKUPS_KEPT  how many are kept; older ones are removed when the new one is complete
#   PULSE_KEYS          folders whose files belong to it, as name=path, separated by spaces
#   PG…                 where the database is and who may read all of it
#   PULSE_DATABASE_PASSWORD_FILE    file with that role's password, where one is needed
set -eu
umask 077
if [ -n "${PULSE_DATABASE_PASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$PULSE_DATABASE_PASSWORD_FILE")
    export PGPASSWORD
fi
folder=${PULSE_BACKUPS_DIR:?}
kept=${PULSE_BACKUPS_KEPT:-14}
case $kept in '' | *[!0-9]* | 0) echo "backup: PULSE_BACKUPS_KEPT is '$kept'; give a whole number from 1." >&2; exit 2 ;; esac

while [ -e "$folder/$(date -u +%Y%m%dT%H%M%SZ)" ]; do sleep 1; done
# The time before the dump begins: what is committed after it may be missing from the dump.
taken_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
name=$(date -u +%Y%m%dT%H%M%SZ)
unfinished=$folder/.$name.unfinished
rm -rf "$folder"/.*.unfinished
# What fails for lack of room must not keep the room that it took.
trap 'rm -rf "$unfinished"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$unfinished"
pg_dump --format=custom --no-password --file "$unfinished/database.dump" pulse
pg_restore --list "$unfinished/database.dump" > /dev/null
for key in ${PULSE_KEYS:-}; do
    tar -C "${key#*=}" -cf "$unfinished/${key%%=*}.tar" .
done
echo "$taken_at" > "$unfinished/taken-at"
(cd "$unfinished" && sha256sum -- * > SHA256SUMS)
sync "$unfinished"/* "$unfinished"
mv "$unfinished" "$folder/$name"
sync "$folder"

ls -1 "$folder" | grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort -r | tail -n "+$((kept + 1))" | while read -r old; do
    rm -rf "${folder:?}/$old"
done
# By this the doctor and the figures know how old the newest one is.
psql --no-psqlrc --no-password -q -v ON_ERROR_STOP=1 -v name="$name" -d pulse <<'SQL'
INSERT INTO audit_log (actor, action, entity_type, entity_id) VALUES ('system', 'backup.made', 'backup', :'name');
SQL
echo "backup: $folder/$name is complete"
