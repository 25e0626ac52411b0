"""The command ``pulse-ingest``: settings from the environment, logs to standard error, works until SIGTERM."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import sys
from datetime import datetime

from pulse_acl.payloads import ContractError, format_time, parse_time
from pulse_runtime.errors import ConfigError
from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser, run_program

from .errors import Stalled, StorageUnavailable, WriteFailed
from .instance import held_instance
from .reconcile import told
from .settings import Settings, read_settings
from .worker import Worker
from .writer import Database, Outlook

_DESCRIPTION = (
    "PrecisionPulse's ingest worker: takes telemetry from the broker, stores it in PostgreSQL exactly once, and"
    " publishes a receipt after each COMMIT. Configured by PULSE_* environment variables."
)
_RECONCILE = (
    "After a restore from backup: ask every device for what was confirmed since a time; the worker's log names those"
    " that no longer have all of it. The running worker asks; this command stores the request."
)


def main() -> None:
    """Run the program and exit with its code."""
    made = parser("pulse-ingest", _DESCRIPTION)
    commands = made.add_subparsers(dest="command", metavar="command")
    asking = commands.add_parser("reconcile", help=_RECONCILE, description=_RECONCILE, allow_abbrev=False)
    asking.add_argument("--since", required=True, metavar="TIME", help="time of the backup less 5 minutes, RFC 3339")
    given = made.parse_args()
    if given.command == "reconcile":
        sys.exit(run_program("pulse-ingest", lambda: _reconcile(given.since)))
    sys.exit(run_program("pulse-ingest", _run))


def _run() -> int:
    settings = read_settings(os.environ)
    configure_logs("ingest", settings.log_level)
    # What ends a connection is told by ``link``; gmqtt would tell it again, with a traceback.
    logging.getLogger("gmqtt").setLevel(logging.ERROR)
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with held_instance(settings.instance, settings.instances_dir) as instance:
            asyncio.run(_work(dataclasses.replace(settings, instance=instance)))
    except Stalled as error:
        print(f"pulse-ingest: {error}", file=sys.stderr)
        return 1
    return 0


def _reconcile(text: str) -> int:
    settings = read_settings(os.environ)
    try:
        since = parse_time(format_time(parse_time(text)))  # as exact as payloads are
    except ContractError as error:
        raise ConfigError(f"--since is {text!r}: {error}; give it like 2026-02-07T10:15:30Z.") from error
    try:
        outlook = asyncio.run(_request(settings, since))
    except (StorageUnavailable, WriteFailed) as error:
        print(f"pulse-ingest: the request could not be stored: {error}", file=sys.stderr)
        return 1
    print(told(outlook, since))
    return 0


async def _request(settings: Settings, since: datetime) -> list[Outlook]:
    database = Database(settings.database)
    try:
        return await database.request_reconcile(since)
    finally:
        await database.close()


async def _work(settings: Settings) -> None:
    await Worker(settings).run()


if __name__ == "__main__":
    main()
