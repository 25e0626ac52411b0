"""A damaged outbox: set aside, salvaged, and what is gone is declared (delivery, point 8)."""

from __future__ import annotations

import itertools
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Outbox, OutboxReader, Settlement, checkup, salvage, schema
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.outbox.schema import DamagedError
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeClock
from support.waiting import until

PAGE = 4096
ROWS = 3_000
AT = "2026-02-07T10:00:00.000Z"


def values(number: int) -> dict[str, int]:
    return {"n": number, "wide": 2**63 - 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two streams: of the first, 1 to 500 are confirmed, 700 is rejected, the others wait."""
    made, clock = tmp_path / "outbox.db", FakeClock()
    names = itertools.count(1)
    new_stream = lambda: f"018f0000-0000-7000-8000-{next(names):012d}"  # noqa: E731
    for count in (ROWS, 50):
        file = OutboxFile(made, clock, new_stream, DeviceSettings())
        file.begin()
        for number in range(1, count + 1):
            file.add(Sample(clock.now(), values(number)))
        file.commit()
        if count == ROWS:
            file.begin()
            file.settle(Settlement(file.state.current.stream, [(1, 500)], [(700, "odd")], AT))
            file.commit()
        file.close()
    db = sqlite3.connect(made)
    with db:
        db.execute("INSERT INTO system_config VALUES ('buffer_limit', '', '5000', '', 'test')")
    db.close()
    return made


def pages_of(path: Path, table: str) -> list[int]:
    """Return the leaf pages of *table*, in the order of its rows, by SQLite's own page list."""
    db = sqlite3.connect(path)
    try:
        found = db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)).fetchall()
    except sqlite3.OperationalError:
        pytest.fail("this SQLite has no dbstat")
    finally:
        db.close()
    return [row[0] for row in found]


def spoil(path: Path, pages: list[int], with_: bytes = b"\xa5" * PAGE) -> None:
    with path.open("r+b") as handle:
        for page in pages:
            handle.seek((page - 1) * PAGE)
            handle.write(with_)


def start(path: Path, first: int = 900) -> Outbox:
    names = itertools.count(first)
    outbox = Outbox(
        path, SystemClock(), lambda: f"018f0000-0000-7000-8000-{next(names):012d}", DeviceSettings(), lambda _note: None
    )
    outbox.start()
    return outbox


def account(path: Path) -> dict[str, tuple[set[int], set[int], set[int]]]:
    """Return (waiting or rejected, confirmed, declared) numbers by stream."""
    db = sqlite3.connect(path)
    found: dict[str, tuple[set[int], set[int], set[int]]] = {}
    for (stream,) in db.execute("SELECT stream FROM streams"):
        found[stream] = (set(), set(), set())
    for stream, number in db.execute("SELECT stream, sequence_no FROM telemetry_buffer"):
        found[stream][0].add(number)
    for stream, number in db.execute("SELECT stream, sequence_no FROM telemetry_data"):
        found[stream][1].add(number)
    for stream, first, last in db.execute("SELECT stream, first_no, last_no FROM telemetry_lost"):
        found[stream][2].update(range(first, last + 1))
    db.close()
    return found


def assert_covered(path: Path) -> tuple[set[int], set[int], set[int]]:
    """L3: of the first stream every number is in exactly one place."""
    here, confirmed, declared = account(path)["018f0000-0000-7000-8000-000000000001"]
    assert here | confirmed | declared == set(range(1, ROWS + 1))
    assert not here & confirmed
    assert not declared & (here | confirmed)
    return here, confirmed, declared


def test_salvage_bad_page_of_the_buffer_costs_its_own_rows_only_case_18(path: Path):
    pages = pages_of(path, "telemetry_buffer")
    spoil(path, [pages[len(pages) // 2]])
    outbox = start(path)
    assert outbox.state.notice.startswith("the outbox was damaged and is set aside as outbox-damaged-")
    assert outbox.append(Sample(SystemClock().now(), {"a": 1})), "the client goes on"
    assert outbox.flush(5)
    assert outbox.close()
    here, confirmed, declared = assert_covered(path)
    assert confirmed == set(range(1, 501))
    assert 0 < len(declared) < 200
    assert len(here) > ROWS - 500 - 200
    db = sqlite3.connect(path)
    stored = db.execute("SELECT sequence_no, metrics FROM telemetry_buffer WHERE stream LIKE '%001'").fetchall()
    assert all(metrics == b'{"n":%d,"wide":9223372036854775807}' % number for number, metrics in stored)
    assert db.execute("SELECT state, reason FROM telemetry_buffer WHERE sequence_no = 700").fetchone() in {
        ("quarantined", "odd"),
        None,
    }
    db.close()


def test_salvage_keeps_the_damaged_file_private_and_dated(path: Path):
    spoil(path, pages_of(path, "telemetry_buffer")[3:4])
    damaged = path.read_bytes()
    start(path).close()
    (aside,) = path.parent.glob("outbox-damaged-*.db")
    assert aside.read_bytes()[100:] == damaged[100:], "all but the header's counters"
    assert {one.stat().st_mode & 0o777 for one in (aside, path)} == {0o600}
    assert not list(path.parent.glob("*.salvag*"))


def test_salvage_keeps_streams_settings_and_begins_a_new_one(path: Path):
    spoil(path, pages_of(path, "telemetry_buffer")[3:4])
    outbox = start(path)
    assert [one.stream[-3:] for one in outbox.state.streams] == ["001", "002", "900"]
    outbox.close()
    reader = OutboxReader(path)
    assert [(name[-3:], last) for name, last, _ in reader.streams()] == [("001", ROWS), ("002", 50), ("900", 0)]
    assert reader.settings("D1") == {"buffer_limit": "5000"}
    reader.close()


def test_salvage_bad_page_of_confirmed_readings_declares_them_and_the_archive_knows_better(path: Path):
    spoil(path, pages_of(path, "telemetry_data")[:2])
    start(path).close()
    here, confirmed, declared = assert_covered(path)
    assert here == set(range(501, ROWS + 1))
    assert confirmed
    assert declared == set(range(1, 501)) - confirmed


def test_salvage_bad_page_of_the_streams_finds_them_by_their_rows(path: Path):
    spoil(path, pages_of(path, "streams"))
    start(path).close()
    here, _, _ = assert_covered(path)
    assert here >= set(range(501, ROWS + 1))


def test_salvage_file_that_is_no_database_is_set_aside(tmp_path: Path):
    path = tmp_path / "outbox.db"
    path.write_bytes(b"this is no database" * 1000)
    outbox = start(path)
    assert "0 waiting readings were saved" in outbox.state.notice
    outbox.close()
    assert len(list(tmp_path.glob("outbox-damaged-*.db"))) == 1
    again = start(path, 901)
    assert again.state.notice == "", "the next start finds a sound file"
    again.close()


def test_salvage_interrupted_before_the_new_file_is_in_place_is_finished_at_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    spoil(path, pages_of(path, "telemetry_buffer")[5:6])
    with monkeypatch.context() as patched:
        patched.setattr(salvage, "finish", lambda _path: None)
        salvage.mend(path, FakeClock().now(), "test")
    assert path.with_name("outbox.db.salvaged").exists()
    path.with_name("outbox.db-wal").write_bytes(b"of the damaged file")
    outbox = start(path)
    assert outbox.state.notice == ""
    outbox.close()
    assert_covered(path)


@pytest.mark.parametrize("seed", range(6))
def test_salvage_any_damage_leaves_a_file_that_works_and_hides_nothing_case_18(path: Path, seed: int):
    """Random pages are spoilt in random ways: whatever rows are left are true, and their streams are accounted for."""
    chance = random.Random(seed)
    pages = path.stat().st_size // PAGE
    for page in chance.sample(range(2, pages + 1), 4):
        spoil(path, [page], chance.choice([b"\0" * PAGE, b"\xff" * PAGE, chance.randbytes(PAGE)]))
    start(path).close()
    found = account(path).get("018f0000-0000-7000-8000-000000000001")
    if found is not None:
        highest = max(set().union(*found), default=0)
        assert set().union(*found) == set(range(1, highest + 1))
    db = sqlite3.connect(path)
    for number, metrics in db.execute("SELECT sequence_no, metrics FROM telemetry_buffer"):
        assert metrics == b'{"n":%d,"wide":9223372036854775807}' % number
    db.close()


def test_damage_of_a_large_file_closed_in_order_is_found_while_it_runs_case_18(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    pages = pages_of(path, "telemetry_buffer")
    spoil(path, [pages[len(pages) // 2]])
    monkeypatch.setattr(schema, "LARGE", 0)
    outbox = start(path)
    assert outbox.state.notice == "", "nothing was looked through before the first reading"
    assert outbox.append(Sample(SystemClock().now(), {"a": 1}))
    until(lambda: not outbox.is_running, within_s=10, what="the checkup ends the thread")
    again = start(path, 901)
    assert again.state.notice.startswith("the outbox was damaged and is set aside")
    assert again.close()
    assert_covered(path)


def test_damage_of_a_large_file_after_a_kill_is_found_at_the_start_case_18(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema, "LARGE", 0)
    OutboxFile(path, FakeClock(), lambda: "018f0000-0000-7000-8000-000000000009", DeviceSettings())._db.close()
    spoil(path, pages_of(path, "telemetry_buffer")[3:4])
    outbox = start(path)
    assert outbox.state.notice.startswith("the outbox was damaged and is set aside")
    assert outbox.close()


def test_outbox_sound_large_file_runs_on_after_its_checkup(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema, "LARGE", 0)
    looked = threading.Event()
    monkeypatch.setattr(checkup, "damage_in", lambda db: (schema.damage_in(db), looked.set())[0])
    outbox = start(path)
    assert looked.wait(10)
    assert outbox.append(Sample(SystemClock().now(), {"a": 1}))
    assert outbox.flush(5)
    assert outbox.close()


def test_outbox_file_alone_says_that_it_is_damaged(path: Path):
    spoil(path, pages_of(path, "telemetry_buffer")[3:4])
    with pytest.raises(DamagedError):
        OutboxFile(path, FakeClock(), lambda: "018f0000-0000-7000-8000-000000000009", DeviceSettings())


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "flip",
    [
        "UPDATE streams SET last_sequence_no = last_sequence_no + (1 << 45)",
        "UPDATE telemetry_data SET rowid = 1 << 50 WHERE rowid = 500",
        "UPDATE telemetry_buffer SET position = position + (1 << 39) WHERE sequence_no = 3000",
        "INSERT INTO streams VALUES (1 << 50, 'x', '', 0)",
    ],
)
def test_salvage_number_that_damage_has_made_huge_neither_takes_all_memory_nor_for_ever(path: Path, flip: str):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(flip)
    done = salvage.mend(path, FakeClock().now(), "test")
    assert done.kept >= ROWS - 500 - 1 + 50 - 1
    outbox = start(path)
    assert outbox.state.held >= ROWS - 500 - 2 + 50 - 1
    assert outbox.state.lost <= 1
    assert outbox.close()


def test_damage_that_a_reader_meets_ends_the_outbox_and_the_next_start_salvages_case_18(path: Path):
    """Else delivery would fail at the same rows for ever, and nobody salvage them."""
    outbox = start(path)
    reader = OutboxReader(path)
    spoil(path, pages_of(path, "telemetry_buffer")[5:8])
    (stream, *_) = outbox.state.streams
    with pytest.raises(sqlite3.DatabaseError) as failed:
        reader.rows(stream, 1, ROWS, ROWS, 2**62)
    reader.close()
    outbox.reading_failed(OSError("that is something else"))
    assert outbox.flush(5)
    assert outbox.is_running
    outbox.reading_failed(failed.value)
    until(lambda: not outbox.is_running, within_s=10, what="the program can start anew")
    again = start(path, 901)
    assert "is set aside" in again.state.notice
    assert again.close()
