"""The account that is noted when the outbox is closed in order, and believed at the next start."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from pulse_desktop.core.outbox import OutboxState, Settlement
from pulse_desktop.core.outbox.account import Account
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeClock

AT = "2026-02-07T10:00:00.000Z"
CLOCK = FakeClock()
NUMBERS = itertools.count(1)


def opened(path: Path) -> OutboxFile:
    return OutboxFile(
        path, CLOCK, lambda: f"018f0000-0000-7000-8000-{next(NUMBERS):012d}", DeviceSettings(buffer_limit=10)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed file: of 14 readings 4 were given up, 2 are archived, one is rejected, 3 were sent."""
    file = opened(tmp_path / "outbox.db")
    stream = file.state.current.stream
    file.begin()
    for number in range(14):
        file.add(Sample(CLOCK.now(), {"n": number}))
    file.commit()
    file.begin()
    file.mark_sent(stream, [(4, 6)])
    file.settle(Settlement(stream, [(1, 2)], [(9, "odd")], AT))
    file.commit()
    file.close()
    return tmp_path / "outbox.db"


def old_streams(state: OutboxState) -> list[object]:
    return [stream for stream in state.streams if stream is not state.current]


def test_account_noted_at_the_end_is_what_counting_finds(path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(Account, "count", lambda _self: pytest.fail("the note is believed"))
        file = opened(path)
    noted = old_streams(file.state)
    file._db.close()  # as kill -9 does
    counted = opened(path)
    assert old_streams(counted.state) == noted
    assert [(one.pending, one.sent, one.quarantined, one.lost) for one in counted.state.streams[:1]] == [
        (4, 3, 1, ((11, 14),))
    ]
    counted.close()


def test_account_is_counted_after_a_kill(path: Path, monkeypatch: pytest.MonkeyPatch):
    opened(path)._db.close()
    count, counted = Account.count, []
    monkeypatch.setattr(Account, "count", lambda self: (counted.append(1), count(self))[1])
    opened(path).close()
    assert counted == [1]


def test_account_of_rows_put_in_by_hand_is_no_reason_not_to_start(path: Path):
    with sqlite3.connect(path) as db:
        row = (
            "INSERT INTO telemetry_buffer (position, stream, sequence_no, recorded_at, metrics) VALUES (?, ?, 1, ?, ?)"
        )
        listed = db.execute("SELECT stream FROM streams").fetchone()[0]
        db.execute(row, ((50 << 40) + 1, listed, AT, b'{"n":1}'))
        db.execute(row, ((60 << 40) + 1, "by hand", AT, b'{"n":1}'))
        db.execute("UPDATE sync_state SET closed_with = NULL")
    db.close()
    file = opened(path)
    assert [(one.stream, one.held) for one in file.state.streams if one.held] == [(listed, 7), ("by hand", 1)]
    file.close()


def test_account_noted_by_a_former_run_that_ended_late_hides_no_rows(path: Path):
    """It closed the file when another run had begun already, and that one lost its power."""
    former, other = opened(path), opened(path)
    former.close()
    other.begin()
    for number in range(2):
        other.add(Sample(CLOCK.now(), {"n": number}))
    other.commit()
    other._db.close()  # as kill -9 does
    held = []
    for _ in range(2):
        file = opened(path)
        held.append(file.state.held)
        file.close()
    assert held == [9, 9], "7 of them were there before"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM telemetry_buffer",
        "DELETE FROM telemetry_buffer WHERE sequence_no IN (3, 10)",
        "UPDATE sync_state SET closed_with = 'no JSON'",
        "UPDATE sync_state SET closed_with = '[{}]'",
    ],
)
def test_account_that_does_not_fit_the_rows_is_not_believed(path: Path, change: str):
    with sqlite3.connect(path) as db:
        db.execute(change)
    db.close()
    file = opened(path)
    rows = file._db.execute("SELECT count(*) FROM telemetry_buffer").fetchone()[0]
    assert file.state.held + file.state.quarantined == rows
    file.close()
