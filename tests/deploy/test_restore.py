"""
Backup, restore and reconcile on the running system, with the deployment's own scripts.

A real device goes on while the archive is set back to an earlier copy; afterwards everything is in it once again.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dashboard import first_reading, own_device
from support.own_postgres import OwnPostgres, own_postgres
from support.processes import program
from support.site import Site
from support.stack import PROGRAMS, Stack, running_stack
from support.waiting import until

READINGS = "SELECT DISTINCT client_id || ' ' || stream || ' ' || sequence_no FROM telemetry_data"
TWICE = """SELECT count(*) FROM (SELECT 1 FROM telemetry_data GROUP BY client_id, stream, sequence_no, metric_key
    HAVING count(*) > 1) AS twice"""


@pytest.fixture
def server() -> Iterator[OwnPostgres]:
    with own_postgres() as made:
        yield made


@pytest.fixture
def stack(server: OwnPostgres) -> Iterator[Stack]:
    def prepare(made: Stack) -> None:
        for name, role in (("auth-api", "pulse_auth"), ("ingest", "pulse_ingest"), ("device", "pulse_auth")):
            file = server.variables(role)["PULSE_DATABASE_PASSWORD_FILE"]
            variables = {"PULSE_DATABASE_DSN": server.dsn(role), "PULSE_DATABASE_PASSWORD_FILE": file}
            made.add(name, PROGRAMS[name], variables)

    names = ("broker", "auth-api", "ingest", "link", "device")
    with running_stack(*names, variables={"PULSE_DEVICE_INTERVAL": "0.2"}, prepare=prepare) as made:
        yield made


def readings(server: OwnPostgres) -> set[str]:
    return set(server.ask(READINGS))


def missing(stack: Stack) -> int:
    return stack.admin.get(f"/devices/{own_device(stack)}/integrity").json()["missing"]


def reconcile(stack: Stack, since: str) -> str:
    """Run the job ``reconcile`` and return what it says."""
    variables = {**os.environ, **stack["ingest"].variables}
    command = [program("pulse-ingest"), "reconcile", "--since", since]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout


def test_restored_archive_gets_back_from_the_device_what_came_after_the_backup(
    stack: Stack, server: OwnPostgres, tmp_path: Path
):
    site = Site(server, {"auth-api-keys": stack.home / "keys", "authority": stack.home / "tls"}, tmp_path / "backups")
    first_reading(stack)
    site.backup()
    at_backup = readings(server)
    until(lambda: len(readings(server)) > len(at_backup) + 10, within_s=30, what="more is archived after the backup")
    for name in ("ingest", "auth-api"):
        stack[name].stop()
    before, history = readings(server), site.history()
    site.restore("newest")
    assert len(before - readings(server)) >= 10, "the archive has forgotten what came after the backup"
    for name in ("auth-api", "ingest"):
        stack[name].start()
    stack.wait_ready()
    assert site.history() != history
    until(lambda: missing(stack) >= 10, within_s=30, what="the API says that something is missing")

    said = reconcile(stack, (site.folder / "reconcile-since").read_text().strip())
    # It began to keep things when it was enrolled, a minute ago: later than what is asked for, so it is named.
    assert f"heard within 90 s; 1 of them no longer have all of it:\n  {own_device(stack)}" in said
    until(lambda: readings(server) >= before, within_s=60, what="the device has sent again what was forgotten")
    until(lambda: missing(stack) == 0, within_s=30, what="nothing is missing by the API's account")
    assert server.ask(TWICE) == ["0"], "nothing is there twice"
