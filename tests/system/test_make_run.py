"""`make run` as a person types it: it comes up, says where, stops at Ctrl-C, and goes on with the same data."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from pulse_acl.payloads import format_time
from support.accounts import integrity
from support.processes import ROOT
from support.stack import ADMIN_PASSWORD, Stack, short_home
from support.waiting import until


class MakeRun:
    """One `make run` in a process group of its own, as a terminal would have it."""

    def __init__(self, stack: Stack, log: Path) -> None:
        self.started = time.monotonic()
        self._log = log.open("w+")
        self.process = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env={**os.environ, **stack.variables},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def output(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text()

    def interrupt(self) -> None:
        """Do what Ctrl-C does: SIGINT to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)
        self._log.close()


def ours(home: Path) -> list[psutil.Process]:
    """Return the processes that were started for *home*."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PULSE_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def newest_reading(stack: Stack) -> str | None:
    try:
        items = stack.admin.get("/telemetry/latest").json()["items"]
    except (httpx.TransportError, AssertionError):
        return None
    return max((item["recorded_at"] for item in items), default=None)


@pytest.mark.timeout(300)
def test_make_run_starts_stops_and_goes_on(tmp_path: Path):
    with short_home() as home:
        stack = Stack(home)
        first = MakeRun(stack, tmp_path / "first.log")
        try:
            until(lambda: newest_reading(stack), within_s=90, what="a reading is archived")
            first_took_s = time.monotonic() - first.started
            until(lambda: stack.address in first.output(), within_s=10, what="it says where it is")
            assert ADMIN_PASSWORD not in first.output()
        finally:
            first.interrupt()
        assert ours(home) == [], "Ctrl-C leaves no process"

        before = format_time(datetime.now(UTC))
        second = MakeRun(stack, tmp_path / "second.log")
        try:
            until(lambda: (newest_reading(stack) or "") > before, within_s=60, what="it goes on")
            took_s = time.monotonic() - second.started
            (device_id,) = (one["client_id"] for one in stack.admin.get("/devices").json()["items"])
            until(lambda: integrity(stack, device_id)["missing"] == 0, within_s=30, what="nothing is missing")
            assert len(integrity(stack, device_id)["streams"]) == 2, "each start of a device has a stream of its own"
        finally:
            second.interrupt()
            stack.stop()
        assert ours(home) == []
        print(f"start to the first new reading: {first_took_s:.1f} s, the second one {took_s:.1f} s")
        assert took_s < max(15, first_took_s), "the first one also makes the database"
