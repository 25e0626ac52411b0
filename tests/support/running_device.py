"""One device as a process, its file, and what a test asks of both; beside ``device_world``."""

from __future__ import annotations

import copy
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from pulse_desktop.core.outbox.schema import has_tables
from pulse_desktop.core.sources.simulator import values
from support.device_world import FakeArchive, World
from support.processes import Program
from support.waiting import until

SEED = 11


class RunningDevice:
    """One simulated device of a test, and its outbox as a file."""

    def __init__(self, world: World, client_id: str, interval: str = "0.05") -> None:
        self.world, self.client_id = world, client_id
        self.folder = world.enroll(client_id)
        options = ("--source", "simulator", "--seed", str(SEED), "--interval", interval)
        self.program: Program = world.device(client_id, *options)

    def clone(self, home: Path) -> RunningDevice:
        """Copy this device's folder, as a copied disk does, into a machine of its own at *home*; not started."""
        twin = copy.copy(self)
        twin.folder = home / "devices" / self.client_id
        shutil.copytree(self.folder, twin.folder)
        variables = {**self.program.variables, "PULSE_HOME": str(home)}
        twin.program = Program(f"{self.client_id}-twin", self.program.command, variables, home / "twin.log")
        self.world.programs.append(twin.program)
        return twin

    def query(self, text: str) -> list[tuple]:
        db = sqlite3.connect(f"file:{self.folder / 'outbox.db'}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(text).fetchall()
        finally:
            db.close()

    def streams(self) -> dict[str, int]:
        if not has_tables(self.folder / "outbox.db"):
            return {}
        return dict(self.query("SELECT stream, last_sequence_no FROM streams WHERE last_sequence_no > 0"))

    def held(self) -> set[tuple[str, int]]:
        """Return (stream, number) of what the archive has not answered so far."""
        return set(self.query("SELECT stream, sequence_no FROM telemetry_buffer WHERE state <> 'quarantined'"))

    def buffered(self) -> int:
        return self.query("SELECT count(*) FROM telemetry_buffer")[0][0]

    def recorded(self) -> int:
        return sum(self.streams().values())

    def status(self) -> dict:
        program = self.program.command[0]
        command = [program, "status", "--json", "--client-id", self.client_id]
        done = subprocess.run(command, env={**os.environ, **self.program.variables}, capture_output=True, check=True)
        return json.loads(done.stdout)


def of(device: RunningDevice, archive: FakeArchive) -> set[tuple[str, int]]:
    known = device.streams()
    return {key for key in list(archive.kept) if key[0] in known}


def until_caught_up(device: RunningDevice, *, within_s: float) -> None:
    """Wait until *device* is connected, and then until all that it holds is answered; what it takes meanwhile apart."""
    until(lambda: device.status()["state"] == "CONNECTED", within_s=within_s, what="the backlog is flushed")
    held = device.held()
    until(lambda: held.isdisjoint(device.held()), within_s=within_s, what="what was held is answered")


def beats(device: RunningDevice, archive: FakeArchive) -> list[dict]:
    """Return the heartbeats of this device that carry figures."""
    return [one for one in list(archive.heartbeats) if one["client_id"] == device.client_id and "pending" in one]


def last_beat(device: RunningDevice, archive: FakeArchive, figure: str) -> int:
    found = beats(device, archive)
    return found[-1][figure] if found else -1


def assert_everything_arrived(device: RunningDevice, archive: FakeArchive) -> None:
    """Every number of every stream is in the archive, with the value that its source had."""
    expected = {(stream, number) for stream, last in device.streams().items() for number in range(1, last + 1)}
    assert expected
    assert of(device, archive) == expected
    for stream, number in expected:
        assert archive.kept[stream, number] == values(SEED, stream, number)


def backfill(device: RunningDevice, hours: str) -> None:
    command = [device.program.command[0], "backfill", "--client-id", device.client_id, "--hours", hours]
    log_file = Path(device.world.home) / "fill.log"
    options = ["--every", "3", "--source", "simulator", "--seed", str(SEED)]
    done = Program("fill", [*command, *options], device.world.variables, log_file).start()
    assert done.process is not None
    assert done.process.wait(30) == 0, done.tail()
