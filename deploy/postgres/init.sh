#!/bin/sh
# Makes the database and its two roles, when the server's data is made (docker-entrypoint-initdb.d).
# Passwords come from files and travel as variables of psql over standard input, never on a command line.
set -eu
secrets=${PULSE_SECRETS:-/run/pulse/postgres}

quoted() { sed "s/'/''/g" "$secrets/$1"; }

psql --no-psqlrc -q -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<SQL
CREATE ROLE pulse_auth LOGIN PASSWORD '$(quoted auth-password)';
CREATE ROLE pulse_ingest LOGIN PASSWORD '$(quoted ingest-password)';
GRANT pg_read_all_stats TO pulse_ingest;
CREATE DATABASE pulse OWNER pulse_auth;
REVOKE CONNECT, TEMPORARY ON DATABASE pulse FROM PUBLIC;
GRANT CONNECT ON DATABASE pulse TO pulse_ingest;
SQL
