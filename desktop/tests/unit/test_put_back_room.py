"""What a restored archive asks for is put back little by little: on a full disk, beside samples, and over a crash."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pulse_acl.payloads import format_time
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Outbox, OutboxReader, Settlement, restore
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.outbox.writer import RETRY_S
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.streams import new_stream
from support.device_bench import Bench, bench_on
from support.waiting import until

EVER, AT = "2000-01-01T00:00:00.000Z", "2026-02-07T10:00:00.000Z"
NOW = SystemClock().now()


def confirmed_rows(path: Path) -> int:
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return int(db.execute("SELECT count(*) FROM telemetry_data").fetchone()[0])
    finally:
        db.close()


def limited(patch: pytest.MonkeyPatch, more_pages: int) -> Callable[[int], None]:
    """Let the file grow by *more_pages* only, from its size at the next transaction on; return what sets another."""
    begin, most = OutboxFile.begin, {"pages": more_pages}

    def beginning(file: OutboxFile) -> None:
        begin(file)
        if "limit" not in most:
            most["limit"] = file._db.execute("PRAGMA page_count").fetchone()[0] + most["pages"]
        file._db.execute(f"PRAGMA max_page_count = {most['limit']}")

    def again(pages: int) -> None:
        most.pop("limit", None)
        most["pages"] = pages

    patch.setattr(OutboxFile, "begin", beginning)
    return again


def archived(folder: Path, count: int) -> Outbox:
    """Return an outbox of which *count* readings are confirmed and kept, with no free page in its file."""
    outbox = Outbox(folder / "outbox.db", SystemClock(), new_stream, DeviceSettings(), lambda _note: None)
    outbox.start()
    stream = outbox.state.current.stream
    for first in range(0, count, 500):
        for number in range(first, first + 500):
            assert outbox.append(Sample(NOW, {"n": number, "wide": 2**63 - 1}))
        assert outbox.flush(20)
        outbox.settle(Settlement(stream, [(first + 1, first + 500)], [], AT))
        assert outbox.flush(20)
    return outbox


def test_put_back_for_which_the_disk_has_no_room_at_once_is_done_in_small_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outbox = archived(tmp_path, 10_000)
    limited(monkeypatch, 40)
    outbox.put_back(EVER)
    until(lambda: outbox.state.resent_since == AT, within_s=60, what="all of it is put back")
    assert outbox.state.held == 10_000
    assert outbox.append(Sample(NOW, {"n": 1}))
    assert outbox.flush(20)
    assert (outbox.state.problem, outbox.state.held) == ("", 10_001)
    assert outbox.close()


def test_put_back_that_finds_no_room_at_all_does_not_keep_samples_from_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outbox = archived(tmp_path, 2_000)
    tried: list[int] = []

    def full(*_arguments: object) -> None:
        tried.append(1)
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("pulse_desktop.core.outbox.file.take_some", full)
        patch.setattr("pulse_desktop.core.outbox.file.free_quarantine", full)
        began = time.monotonic()
        outbox.offer_quarantined(None)
        outbox.put_back(EVER)
        for number in range(20):
            assert outbox.append(Sample(NOW, {"n": number})), outbox.state.problem
            assert outbox.flush(20)
        assert (outbox.state.problem, outbox.state.held, outbox.state.resent_since) == ("", 20, None)
        took_s = time.monotonic() - began
        assert 1 <= len(tried) <= took_s / RETRY_S + 2, "and it is tried with pauses"
    until(lambda: outbox.state.resent_since == AT, within_s=20, what="there is room again")
    assert outbox.state.held == 2_020
    assert outbox.close()


def test_put_back_samples_are_recorded_between_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(restore, "CHUNK", 100)
    bench = bench_on(tmp_path)
    fill(bench, 1_000)
    bench._transact(lambda: bench.file.put_back(EVER))
    recorded = 0
    while bench.file.is_putting_back:
        bench._transact(bench.file.put_back_some)
        bench._transact(bench.add_one)
        recorded += 1
        assert bench.file.state.held + confirmed_rows(bench.path) == 1_000 + recorded
    assert recorded > 5
    assert bench.file.state.resent_since is not None
    bench.shut()


def fill(bench: Bench, count: int) -> None:
    bench.link_up()
    bench._transact(lambda: [bench.add_one() for _ in range(count)])
    bench.settle_down()
    while bench.held():
        bench.archive_all()


@pytest.mark.parametrize("parts", [0, 1, 4])
def test_put_back_that_a_crash_ends_is_whole_when_it_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
):
    monkeypatch.setattr(restore, "CHUNK", 100)
    bench = bench_on(tmp_path)
    fill(bench, 1_000)
    bench.wish(EVER)
    bench.archive_all()
    bench.pass_time(120)
    bench.archive_all()
    assert bench.file.state.resent_since is not None, "of the wish before"
    bench._transact(lambda: bench.file.put_back(EVER))
    for _ in range(parts):
        bench._transact(bench.file.put_back_some)
    bench.shut()
    bench.boot()
    assert bench.file.state.resent_since is None, "else nobody asks for the rest"
    assert bench.held() == parts * 100, "what was put back is seen"
    assert bench.held() + confirmed_rows(bench.path) == 1_000
    bench._transact(lambda: bench.file.put_back(EVER))
    while bench.file.is_putting_back:
        bench._transact(bench.file.put_back_some)
    assert (bench.held(), confirmed_rows(bench.path)) == (1_000, 0)
    reader = OutboxReader(bench.path)
    numbers = [row.sequence_no for row in reader.oldest(bench.file.state, 2_000, 2**62)]
    reader.close()
    assert numbers == list(range(1, 1_001))
    bench.shut()


def test_put_back_takes_nothing_that_was_confirmed_since_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(restore, "CHUNK", 100)
    bench = bench_on(tmp_path)
    fill(bench, 500)
    stream = bench.file.state.current.stream
    bench._transact(lambda: bench.file.put_back(EVER))
    for _ in range(20):
        if not bench.file.is_putting_back:
            break
        bench._transact(bench.file.put_back_some)
        first = bench.file.state.current.first_held
        bench.settle(Settlement(stream, [(first, first + 99)], [], format_time(bench.clock.now())))
    assert not bench.file.is_putting_back, "else it would go round for ever"
    assert (bench.file.state.held, confirmed_rows(bench.path)) == (0, 500)
    bench.shut()


def test_put_back_that_was_rolled_back_is_not_said_to_be_done(tmp_path: Path):
    bench = bench_on(tmp_path)
    fill(bench, 10)
    bench._transact(lambda: bench.file.put_back(EVER))
    bench.file.begin()
    bench.file.put_back_some()
    bench.file.rollback()
    bench.note_only()
    assert (bench.file.state.resent_since, bench.file.state.held) == (None, 0)
    bench._transact(bench.file.put_back_some)
    assert (bench.file.state.resent_since is None, bench.file.state.held) == (False, 10)
    bench.shut()
