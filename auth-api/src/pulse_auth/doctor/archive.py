"""What the database tells: that it is there and safe, has the schema, its clock, and whether the archive keeps up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
from alembic.script import ScriptDirectory

from ..db.migrate import alembic_config
from ..domain.health.backups import NEWEST_BACKUP, OLD_AFTER_S
from .findings import Finding, ok, warning, wrong

SKEW_WARNING_S, SKEW_WRONG_S = 1.0, 5.0
HEARD_WITHIN_S = 90.0
BEHIND_WARNING_S, BEHIND_WRONG_S = 60.0, 900.0
_DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")
# The worker holds its instance's name by this advisory lock for as long as it works.
_WORKERS = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = (hashtext('pulse-ingest instance')::bigint & 4294967295)::oid
"""
# Figures of many devices may add up to more than 64 bits; one row with what is no time must not blind for all.
_DEVICES = """
SELECT count(*) AS known,
       count(*) FILTER (WHERE is_heard) AS heard,
       count(*) FILTER (WHERE is_heard AND unarchived > 0) AS waiting,
       coalesce(sum(unarchived) FILTER (WHERE is_heard), 0) AS readings,
       extract(epoch FROM max(now() - oldest) FILTER (WHERE is_heard AND unarchived > 0))::float8 AS oldest_s
FROM (SELECT received_at > now() - $1 * interval '1 s' AND status <> 'OFFLINE' AS is_heard,
             coalesce((heartbeat ->> 'unarchived')::bigint, 0) AS unarchived,
             CASE WHEN pg_input_is_valid(heartbeat ->> 'oldest_pending_at', 'timestamptz')
                  THEN (heartbeat ->> 'oldest_pending_at')::timestamptz END AS oldest
      FROM device_presence) AS told
"""
_REJECTS = "SELECT count(*) FROM telemetry_rejects WHERE received_at > now() - interval '1 hour'"

Connection = Any  # asyncpg's own type is generic over a record class that is of no interest here


async def examine_database(
    connection: Connection, clock: Callable[[], datetime], *, has_backup_job: bool
) -> list[Finding]:
    """Return all that the database tells; *connection* is the API's own role's."""
    version = await connection.fetchval("SHOW server_version")
    found = [ok("database", f"PostgreSQL {version} answers"), await durability(connection)]
    found.append(await skew(connection, clock))
    found.append(migrated := await schema(connection))
    if migrated.remedy:
        return found  # the questions below need the schema
    found += await archive(connection)
    if has_backup_job:
        found.append(backup(await connection.fetchval(NEWEST_BACKUP), clock()))
    return found


async def durability(connection: Connection) -> Finding:
    """Look whether a COMMIT is on the disk."""
    values = {name: await connection.fetchval(f"SHOW {name}") for name in _DURABILITY}
    off = [f"{name} = {value}" for name, value in values.items() if value == "off"]
    if off:
        remedy = "set it to on in postgresql.conf: with it off a power cut takes readings that devices have let go"
        return wrong("durability", ", ".join(off), remedy)
    return ok("durability", "a COMMIT is on disk when it returns")


async def skew(connection: Connection, clock: Callable[[], datetime]) -> Finding:
    """Compare this machine's clock with the database's; half of the way there and back is taken off."""
    before = clock()
    theirs = await connection.fetchval("SELECT clock_timestamp()")
    after = clock()
    off_s = abs((theirs - (before + (after - before) / 2)).total_seconds())
    words = f"this machine and the database are {off_s:.1f} s apart"
    remedy = "run an NTP service on both machines; tokens and bans are judged by these clocks"
    if off_s > SKEW_WRONG_S:
        return wrong("clock", words, remedy)
    return warning("clock", words, remedy) if off_s > SKEW_WARNING_S else ok("clock", words)


async def schema(connection: Connection) -> Finding:
    """Compare the schema with what this version needs."""
    needed = ScriptDirectory.from_config(alembic_config()).get_current_head()
    try:
        present = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        present = None
    if present == needed:
        return ok("schema", f"at {needed}, the newest")
    return wrong("schema", f"at {present or 'nothing'}, needed is {needed}", "run pulse-auth-api migrate")


async def archive(connection: Connection) -> list[Finding]:
    """Look whether workers run, keep up with the devices, and what they rejected."""
    workers = int(await connection.fetchval(_WORKERS))
    if not workers:
        remedy = "start pulse-ingest; devices keep their readings meanwhile. See docs/runbooks/archive-behind.md"
        running = wrong("worker", "no ingest worker is connected to the database", remedy)
    else:
        running = ok("worker", f"{workers} connected")
    return [running, lag(await connection.fetchrow(_DEVICES, HEARD_WITHIN_S)), await rejects(connection)]


def lag(told: Any) -> Finding:
    """Judge what the devices' last heartbeats say of readings that were sent and not answered."""
    if not told["known"]:
        return ok("archive", "no device has spoken yet")
    if not told["heard"]:
        remedy = "see whether the devices are on and reach the broker, and what the worker's log says"
        words = f"none of {told['known']} devices was heard within {HEARD_WITHIN_S:.0f} s"
        return warning("archive", words, remedy)
    words = f"{told['heard']} of {told['known']} devices heard, {told['readings']} readings sent and not yet answered"
    oldest_s = told["oldest_s"] or 0.0
    if oldest_s <= BEHIND_WARNING_S:
        return ok("archive", words)
    words += f", the oldest waits for {oldest_s:.0f} s on {told['waiting']} devices"
    remedy = "see docs/runbooks/archive-behind.md; nothing is lost meanwhile"
    return (wrong if oldest_s > BEHIND_WRONG_S else warning)("archive", words, remedy)


def backup(newest: float | None, now: datetime) -> Finding:
    """Judge when the *newest* backup was made (seconds since 1970)."""
    remedy = "let the server's cron run docker compose run --rm backup every 12 hours, see docs/deployment.md"
    if newest is None:
        return warning("backup", "none was made within 30 days", remedy)
    age_s = now.timestamp() - newest
    words = f"the newest is {age_s / 3600:.0f} h old"
    return warning("backup", words, remedy) if age_s > OLD_AFTER_S else ok("backup", words)


async def rejects(connection: Connection) -> Finding:
    """Count what was refused lately."""
    count = int(await connection.fetchval(_REJECTS))
    if not count:
        return ok("rejects", "none within the last hour")
    remedy = "the dashboard's log (Rejected) says which device and why"
    return warning("rejects", f"{count} payloads or readings were rejected within the last hour", remedy)
