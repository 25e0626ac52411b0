"""A headless device on this machine's own figures at 10 Hz, connected and archived: its memory and processor time."""

from __future__ import annotations

import time

import psutil

from bench.desktops import enrolled, outbox_of
from bench.figures import Limit
from faults.outbox_file import commit_log
from support.stack import running_stack
from support.waiting import until

SECONDS, INTERVAL_S = 60.0, 0.1
MOST_MB, MOST_PCT = 80.0, 5.0


def measure() -> list[Limit]:
    """Return the memory in MB and the share of one core in per cent, over a minute."""
    with running_stack("postgres", "broker", "auth-api", "ingest") as stack:
        device = enrolled(stack, "footprint", interval_s=INTERVAL_S).start()
        assert device.process is not None
        until(lambda: stack.admin.get("/telemetry/latest").json()["items"], within_s=60, what="its first reading")
        metrics = len(stack.admin.get("/telemetry/latest").json()["items"])
        assert metrics >= 10, f"{metrics} metrics are too few for this figure"
        process, file = psutil.Process(device.process.pid), outbox_of(stack, "footprint")
        began, spent, made = time.monotonic(), _spent(process), sum(commit_log(file).values())
        most = 0.0
        while time.monotonic() < began + SECONDS:
            most = max(most, process.memory_info().rss / 1e6)
            time.sleep(1)
        share = 100 * (_spent(process) - spent) / (time.monotonic() - began)
        rate = (sum(commit_log(file).values()) - made) / (time.monotonic() - began)
    told = f"{metrics} metrics, {rate:.1f} readings a second, {SECONDS:.0f} s"
    return [
        Limit("device, memory", most, "MB", MOST_MB, told),
        Limit("device, processor", share, "% of a core", MOST_PCT, told),
    ]


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
