"""A disk that the system makes read-only under the running outbox, as it does after errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Outbox
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.streams import new_stream
from support.waiting import until


class Disk:
    """Read-only or not."""

    is_read_only = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made, begin = Disk(), OutboxFile.begin

    def beginning(file: OutboxFile) -> None:
        file._db.execute(f"PRAGMA query_only = {int(made.is_read_only)}")  # SQLite answers as on such a disk
        begin(file)

    monkeypatch.setattr(OutboxFile, "begin", beginning)
    return made


@pytest.fixture
def outbox(disk: Disk, tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings(), lambda _note: None)
    made.start()
    yield made
    made.close()


def test_disk_made_read_only_is_told_and_recording_goes_on_when_it_is_not_any_more(disk: Disk, outbox: Outbox):
    now = SystemClock().now()
    assert outbox.append(Sample(now, {"a": 1}))
    assert outbox.flush(5)
    disk.is_read_only = True
    assert outbox.append(Sample(now, {"a": 2}))
    until(lambda: outbox.state.problem, within_s=5, what="it says so")
    assert outbox.state.problem == "nothing can be recorded: attempt to write a readonly database"
    assert not outbox.append(Sample(now, {"a": 3})), "a source is told that it is not recorded"
    assert outbox.is_running
    disk.is_read_only = False
    until(lambda: not outbox.state.problem, within_s=10, what="it goes on by itself")
    assert outbox.append(Sample(now, {"a": 4}))
    assert outbox.flush(5)
    assert outbox.state.current.last_no == 3, "what it had taken is recorded, and what came after"
