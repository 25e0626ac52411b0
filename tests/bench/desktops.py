"""Real devices for benchmarks: enrolled through the API, and backlogs written by the outbox's own code."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import MetricValue, Sample
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.streams import new_stream
from support.processes import Program, program
from support.stack import Stack
from support.waiting import until

_GROUP = 1_000
SPACING = timedelta(milliseconds=100)


def enrolled(stack: Stack, client_id: str, *options: str, interval_s: float) -> Program:
    """Enroll *client_id* and return its program, not started."""
    answer = stack.admin.post("/devices/enrollment-codes", json={"client_id": client_id})
    assert answer.is_success, answer.text
    file = stack.home / f"code-{client_id}"
    file.touch(0o600)
    file.write_text(answer.json()["code"])
    command = ["enroll", "--client-id", client_id, "--api", stack.address, "--code-file", str(file)]
    log = stack.home / "logs" / f"enroll-{client_id}.log"
    done = Program(f"enroll {client_id}", [program("pulse-desktop"), *command], stack.variables, log).start()
    until(lambda: not done.running, within_s=30, what=f"{client_id} is enrolled")
    assert done.stop() == 0, done.tail()
    own = ["--headless", "--client-id", client_id, *options]
    return stack.add(client_id, ["pulse-desktop", *own], {"PULSE_DEVICE_INTERVAL": f"{interval_s:g}"})


def outbox_of(stack: Stack, client_id: str) -> Path:
    """Return the device's file."""
    return stack.home / "devices" / client_id / "outbox.db"


def metrics_of(number: int) -> Mapping[str, MetricValue]:
    """Return three metrics, one of each type, other values for each *number*."""
    return {"temperature": 72.45 + number / 7, "rpm": 9_007_199_254_740_993 + number, "is_active": number % 2 == 0}


def add_backlog(file: Path, count: int) -> str:
    """Write *count* readings of this day's past into the file of a device that does not run; return their stream."""
    names = (new_stream() for _ in itertools.count())
    outbox = OutboxFile(file, SystemClock(), lambda: next(names), DeviceSettings())
    try:
        start = datetime.now(UTC) - SPACING * count
        for first in range(1, count + 1, _GROUP):
            outbox.begin()
            for number in range(first, min(first + _GROUP, count + 1)):
                outbox.add(Sample(start + SPACING * number, metrics_of(number)))
            outbox.commit()
        return outbox.state.current.stream
    finally:
        outbox.close()
