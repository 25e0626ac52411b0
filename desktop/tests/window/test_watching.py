"""What a look at the device brings when something about it cannot be read, and how figures are measured."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from pulse_acl.payloads import format_time
from pulse_desktop.core.connection import State
from pulse_desktop.core.errors import Link, StorageError
from pulse_desktop.core.operation import Operator
from pulse_desktop.core.outbox import Committed
from pulse_desktop.core.outbox.state import StreamState
from pulse_desktop.core.readings import StoredReading
from pulse_desktop.ui.growth import Growth
from pulse_desktop.ui.snapshot import ROW_BYTES, Lamp, lamp_of
from pulse_desktop.ui.watching import AHEAD_S, Newest, Watch
from pulse_desktop.ui.widgets.chart import Chart
from support.device_fakes import FakeClock
from support.watched_session import FakeSession
from support.window_fakes import operator, rows

AT = "2026-02-07T10:00:00.000Z"


def fail(*_arguments: object) -> Any:
    raise OSError("the disk is gone")


def test_look_that_fails_shows_no_green_lamp_says_why_and_is_logged_once_item_2(
    watch: Watch, session: FakeSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    watch.look()
    assert watch.look().lamp is Lamp.ONLINE
    with monkeypatch.context() as patch:
        patch.setattr(session, "report", fail)
        for _ in range(3):
            shown = watch.look()
        assert (shown.lamp, shown.client_id) == (Lamp.DISCONNECTED, "D1")
        assert "the disk is gone" in shown.problems["look"]
        assert capsys.readouterr().out.count("look_failed") == 1
    assert watch.look().lamp is Lamp.ONLINE
    assert "look" not in watch.look().problems


def test_look_without_the_data_disk_still_shows_how_the_device_is_item_2(watch: Watch, monkeypatch: pytest.MonkeyPatch):
    watch.look()
    monkeypatch.setattr(shutil, "disk_usage", fail)
    shown = watch.look()
    assert (shown.lamp, shown.buffer.held, shown.buffer.room_h) == (Lamp.ONLINE, 10, None)


def test_rows_that_cannot_be_read_are_not_known_instead_of_none_item_2(
    watch: Watch, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    assert watch.look().waiting is None, "there is no file so far"
    monkeypatch.setattr(watch._recent, "waiting", lambda: list(rows(2)))
    clock.advance(2)
    assert len(watch.look().waiting) == 2

    def locked() -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(watch._recent, "waiting", locked)
    clock.advance(2)
    assert watch.look().waiting is None


def test_device_whose_file_cannot_be_opened_is_not_starting_and_its_buffer_is_not_known_item_2(
    watch: Watch, session: FakeSession
):
    session.refusal = StorageError("the outbox cannot be used: it is no database")
    for _ in range(2):
        shown = watch.look()
    assert (shown.is_starting, shown.buffer, shown.waiting) == (False, None, None)
    assert "cannot be used" in shown.problems["start"]


def test_hours_of_room_are_those_of_all_sources_together_and_of_their_mean_row_item_2(
    watch: Watch, session: FakeSession, newest: Newest, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**15))
    watch.look()
    assert watch.look().buffer.room_h == pytest.approx(1_000_000 / 3600), "of one reading a second, until it is known"
    small, large = b'{"n":1}', b'{"n":1%s}' % (b" " * 993)
    for second in range(30):
        clock.advance(1)
        added = [StoredReading(1, "s1", 4 * second + n, AT, large if n == 3 else small) for n in range(4)]
        newest.committed(Committed(session.report().outbox, added))
        shown = watch.look()
    assert shown.buffer.room_h == pytest.approx(1_000_000 / 4 / 3600, rel=0.05)
    free = 100_000 * (ROW_BYTES + (3 * len(small) + len(large)) / 4)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert watch.look().buffer.room_h == pytest.approx(100_000 / 4 / 3600, rel=0.05)


def committed(session: FakeSession, newest: Newest, at: datetime, **values: float) -> None:
    text = json.dumps(values, separators=(",", ":")).encode()
    newest.committed(Committed(session.report().outbox, [StoredReading(1, "s1", 1, format_time(at), text)]))


def test_values_keep_the_time_of_their_own_reading_when_another_source_goes_on_item_2(
    watch: Watch, session: FakeSession, newest: Newest, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watch._recent, "latest", lambda: {"press": (1, "2026-02-06T10:00:00.000Z"), "old": (2, AT)})
    assert watch.look().recorded_at == {"press": "2026-02-06T10:00:00.000Z", "old": AT}
    committed(session, newest, clock.now(), boiler=71.5, press=1.0)
    clock.advance(60)
    committed(session, newest, clock.now(), press=2.0)
    shown = watch.look()
    assert shown.latest == {"boiler": 71.5, "old": 2, "press": 2.0}
    assert shown.recorded_at == {"boiler": AT, "old": AT, "press": "2026-02-07T10:01:00.000Z"}


@pytest.mark.parametrize("back_s", [20.0, 120.0, 3600.0])
def test_curve_after_the_clock_was_set_back_ascends_and_has_every_new_point_item_2(  # noqa: PLR0917 - fixtures come by name
    watch: Watch, session: FakeSession, newest: Newest, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, back_s: float
):  # fmt: skip
    monkeypatch.setattr(watch._recent, "points", lambda *_: [])
    watch.look()
    watch.show("n", 300.0)
    watch.look()
    for second in range(300):
        clock.advance(1)
        committed(session, newest, clock.now(), n=second)
        watch.look()
    clock.jump(-back_s)
    for second in range(120):
        clock.advance(1)
        committed(session, newest, clock.now(), n=1_000 + second)
        shown = watch.look()
    at, now = [point.at for point in shown.points], clock.now().timestamp()
    assert at == sorted(at)
    assert now - 300 <= at[0] <= at[-1] <= now + AHEAD_S
    assert [point.value for point in shown.points if point.value >= 1_000] == list(range(1_000, 1_120))
    chart = Chart()
    chart.show()
    chart.show_points("n", shown.points, now)
    assert 1_000 + 119 in chart._curve.getData()[1], "the newest is drawn"


def test_readings_that_are_set_aside_as_unanswered_are_said_item_2(
    watch: Watch, session: FakeSession, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    watch.look()
    monkeypatch.setattr(watch._recent, "unanswered", lambda: 3)
    clock.advance(2)
    assert "leaves 3 readings unanswered" in watch.look().problems["unanswered"]
    session.stream = StreamState(1, "s1", last_no=10)
    assert "unanswered" not in watch.look().problems, "nothing is held any more"


def test_growth_follows_a_change_and_forgets_what_is_long_gone_item_2():
    growth = Growth()
    assert (growth.per_s(0.0), growth.row_bytes()) == (None, None)
    for second in range(2_000):
        growth.note(float(second), 10 if second < 1_000 else 1, 100 if second < 1_000 else 50)
    assert growth.per_s(1_999.0) == pytest.approx(1.0)
    assert growth.row_bytes() == pytest.approx(50.0)
    growth.forget()
    assert growth.per_s(2_000.0) is None


def test_person_who_could_not_be_read_is_not_shown_and_read_again_item_3(
    watch: Watch, session: FakeSession, clock: FakeClock
):
    def busy() -> Operator:
        raise sqlite3.OperationalError("database is locked")

    session.who = lambda: operator(name="olga")
    watch.look()
    assert watch.look().operator.who.username == "olga"
    clock.advance(2)
    (session.folder.path / "identity.db").write_bytes(b"changed")
    session.who = busy
    shown = watch.look()
    assert shown.operator.who is None
    assert "database is locked" in shown.operator.ended
    clock.advance(2)
    session.who = lambda: operator(name="bo")
    assert watch.look().operator.who.username == "bo"


def test_device_that_fails_to_start_is_not_started_twice_item_2(watch: Watch, session: FakeSession):
    session.refusal = RuntimeError("can't start new thread")
    assert "can't start new thread" in watch.look().problems["start"]
    session.refusal = StorageError("threads can only be started once")
    assert "can't start new thread" in watch.look().problems["start"]


@pytest.mark.parametrize(
    ("state", "link", "ended", "shown"),
    [
        (State.CONNECTED, Link.UP, (), Lamp.ONLINE),
        (State.AWAY, Link.UP, (), Lamp.ONLINE),
        (State.SYNCING, Link.UP, (), Lamp.SYNCING),
        (State.DISCONNECTED, Link.UP, (), Lamp.DISCONNECTED),
        (State.CONNECTED, Link.NO_NETWORK, (), Lamp.DISCONNECTED),
        (State.SYNCING, Link.CONNECTING, (), Lamp.DISCONNECTED),
        (State.CONNECTED, Link.UP, ("outbox",), Lamp.DISCONNECTED),
    ],
)
def test_lamp_is_green_only_while_all_of_it_is_well_item_2(
    session: FakeSession, state: State, link: Link, ended: tuple[str, ...], shown: Lamp
):
    report = replace(session.report(), state=state, link=link, ended=ended)
    assert lamp_of(report) is shown
