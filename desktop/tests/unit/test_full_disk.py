"""A disk that runs full under the outbox, on a real small one (delivery, points 7 and 8)."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from faults import small_disk
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Outbox, OutboxReader, Settlement, room
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.streams import new_stream
from support.waiting import until

NOW = SystemClock().now()
AT = "2026-02-07T10:00:00.000Z"
MIB = 1 << 20


class RealDisk:
    """A tmpfs; ``leave`` takes all of it but so many bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._disk, self._ballast = folder, small_disk.SmallDisk.mounted(folder), folder / "more-ballast"

    def fill(self) -> None:
        self._disk.fill()

    def leave(self, size: int) -> None:
        handle = os.open(self._ballast, os.O_CREAT | os.O_RDWR)
        os.posix_fallocate(handle, 0, shutil.disk_usage(self.folder).free - size)
        os.close(handle)

    def free(self) -> None:
        self._disk.free()
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        self._disk.close()


class MadeUpDisk:
    """Where nobody may mount: what the outbox is told of the disk, and a file that SQLite may not let grow."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._left = folder, 100 * MIB
        folder.mkdir()
        begin = OutboxFile.begin

        def beginning(file: OutboxFile) -> None:
            begin(file)
            grows = self._left or not (folder / "outbox.db.reserve").exists()
            file._db.execute(f"PRAGMA max_page_count = {2**30 if grows else 1}")

        usage = lambda _folder: SimpleNamespace(total=128 * MIB, free=self._left)  # noqa: E731
        patch.setattr(room.shutil, "disk_usage", usage)
        patch.setattr(OutboxFile, "begin", beginning)

    def fill(self) -> None:
        self._left = 0

    def leave(self, size: int) -> None:
        self._left = size

    def free(self) -> None:
        self._left = 100 * MIB

    def close(self) -> None:
        pass


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealDisk | MadeUpDisk]:
    folder = tmp_path / "disk"
    made = RealDisk(folder) if small_disk.can_mount() else MadeUpDisk(folder, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def outbox(disk: RealDisk | MadeUpDisk) -> Iterator[Outbox]:
    made = Outbox(disk.folder / "outbox.db", SystemClock(), new_stream, DeviceSettings(), lambda _note: None)
    made.start()
    yield made
    assert made.close()


def fill_with_rows(outbox: Outbox, count: int) -> str:
    for number in range(count):
        while not outbox.append(Sample(NOW, {"n": number, "wide": 2**63 - 1})):
            assert outbox.flush(60)
    assert outbox.flush(60)
    return outbox.state.current.stream


def held_rows(disk: RealDisk | MadeUpDisk) -> dict[str, list[int]]:
    with sqlite3.connect(f"{(disk.folder / 'outbox.db').as_uri()}?mode=ro", uri=True) as db:
        found: dict[str, list[int]] = {}
        for stream, number in db.execute("SELECT stream, sequence_no FROM telemetry_buffer ORDER BY 1, 2"):
            found.setdefault(stream, []).append(number)
    db.close()
    return found


def sample_until_stopped(outbox: Outbox) -> None:
    until(
        lambda: not outbox.append(Sample(NOW, {"n": 0})) and outbox.state.problem, within_s=60, what="recording stops"
    )


def test_disk_full_stops_recording_and_goes_on_when_there_is_space_case_19(disk: RealDisk | MadeUpDisk, outbox: Outbox):
    fill_with_rows(outbox, 100)
    disk.fill()
    sample_until_stopped(outbox)
    assert outbox.state.problem == "nothing can be recorded: the disk is full"
    assert outbox.state.used_pct >= 80
    assert outbox.is_running
    disk.free()
    until(lambda: not outbox.state.problem, within_s=60, what="recording goes on")
    fill_with_rows(outbox, 10)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in held_rows(disk).values()), "none is lost"
    assert outbox.state.held == sum(len(numbers) for numbers in held_rows(disk).values())
    assert outbox.state.used_pct < 80


def test_disk_full_receipts_are_applied_and_recording_goes_on_by_itself_case_19(
    disk: RealDisk | MadeUpDisk, outbox: Outbox
):
    stream = fill_with_rows(outbox, 100_000)
    disk.fill()
    sample_until_stopped(outbox)
    for first in range(1, 100_001, 1_000):
        outbox.settle(Settlement(stream, [(first, first + 999)], [], AT))
    assert outbox.flush(60)
    kept = outbox.state.known(stream)
    assert kept is None or kept.held < 2_000
    until(lambda: not outbox.state.problem, within_s=60, what="recording goes on in the room that receipts made")
    before = outbox.state.held
    fill_with_rows(outbox, 100)
    assert outbox.state.held == before + 100


def test_disk_short_confirmed_readings_go_before_anything_is_refused_case_20(
    disk: RealDisk | MadeUpDisk, outbox: Outbox
):
    stream = fill_with_rows(outbox, 30_000)
    outbox.settle(Settlement(stream, [(1, 29_000)], [], AT))
    assert outbox.flush(60)
    assert outbox.state.kept_since == AT
    disk.leave(6 * MIB)

    def shed() -> bool:
        assert outbox.append(Sample(NOW, {"n": 0})), outbox.state.problem
        assert outbox.flush(60)
        return outbox.state.kept_since is None

    until(shed, within_s=60, what="what is confirmed makes room")
    assert outbox.state.held >= 1_000


def test_disk_filling_is_told_once_in_the_log_and_in_the_heartbeats_figure(
    disk: RealDisk | MadeUpDisk, outbox: Outbox, capsys: pytest.CaptureFixture[str]
):
    fill_with_rows(outbox, 10)
    assert outbox.state.used_pct < 80
    disk.leave(15 * MIB)

    def warned() -> bool:
        outbox.append(Sample(NOW, {"n": 0}))
        return "the disk is filling (1" in outbox.state.notice

    until(warned, within_s=60, what="the warning")
    assert outbox.state.used_pct >= 80
    assert not outbox.state.problem
    disk.free()
    until(lambda: outbox.append(Sample(NOW, {"n": 0})) and not outbox.state.notice, within_s=60, what="the all-clear")
    said = capsys.readouterr().out
    assert (said.count("desktop.disk_filling"), said.count("desktop.disk_has_room")) == (1, 1)


def test_disk_full_while_the_client_was_killed_is_no_reason_not_to_start_case_19(disk: RealDisk | MadeUpDisk):
    path = disk.folder / "outbox.db"
    file = OutboxFile(path, SystemClock(), new_stream, DeviceSettings())
    file.begin()
    file.add(Sample(NOW, {"n": 1}))
    file.commit()
    file._db.close()
    disk.fill()
    again = OutboxFile(path, SystemClock(), new_stream, DeviceSettings())
    assert (again.state.held, again.state.problem) == (1, "nothing can be recorded: the disk is full")
    reader = OutboxReader(path)
    assert reader.counts() == {"pending": 1}
    reader.close()
    disk.free()
    again.close()


def test_disk_reserve_that_a_power_cut_left_empty_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = lambda _folder: SimpleNamespace(total=128 * MIB, free=100 * MIB)  # noqa: E731
    monkeypatch.setattr(room.shutil, "disk_usage", usage)
    reserve = tmp_path / "outbox.db.reserve"
    reserve.touch()
    OutboxFile(tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings()).close()
    assert reserve.stat().st_size == room.MOST_RESERVED


def test_disk_full_a_reserve_that_is_empty_is_not_counted_as_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Else recording goes on into the room that receipts need."""
    usage = lambda _folder: SimpleNamespace(total=128 * MIB, free=5 * MIB)  # noqa: E731
    monkeypatch.setattr(room.shutil, "disk_usage", usage)
    (tmp_path / "outbox.db.reserve").touch()
    file = OutboxFile(tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings())
    assert file.state.problem == "nothing can be recorded: the disk is full"
    file.close()
