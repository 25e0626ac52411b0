"""The window on the real core and the real broker: cut and joined again, ended by a signal, started twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from pulse_desktop.core import device
from pulse_desktop.core.backoff import Backoff
from pulse_desktop.core.connection import State
from pulse_desktop.core.errors import Link
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.outbox.schema import DamagedError
from pulse_desktop.core.sources.plan import single
from pulse_desktop.session import SessionPlan
from pulse_desktop.ui import application
from pulse_desktop.ui.application import Running
from pulse_desktop.ui.bridge import LOOK_EVERY_S
from pulse_desktop.ui.log_tail import LogTail
from pulse_desktop.ui.snapshot import Lamp
from pulse_desktop.ui.windows.sign_in import SignInDialog
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from support.device_world import FakeArchive, World
from support.link_proxy import LinkProxy
from support.processes import Program, program
from support.waiting import until

CUT_MS = int(2_000 * LOOK_EVERY_S)  # two looks, within which a cut that the device has noticed is shown


def plan(world: World, client_id: str, interval: str = "0.1") -> SessionPlan:
    folder = DeviceFolder(client_id, world.home / "devices" / client_id)
    return SessionPlan(Environment(world.variables), folder, interval, single("simulator", seed=7))


@pytest.fixture
def running(world: World, link: LinkProxy, qtbot, kept: QSettings, request) -> Iterator[Running]:
    client_id = f"w{abs(hash(request.node.name)) % 10**9}"
    world.enroll(client_id, "--broker", f"mqtts://127.0.0.1:{link.port}")
    made = Running(plan(world, client_id), LogTail(), kept)
    made.window.resize(1280, 800)
    made.window.show()
    yield made
    made.close()


def held(of: Running) -> int:
    return of.window.now.buffer.held


# The MQTT library leaves a socket whose handshake was cut to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_window_shows_live_values_then_the_cut_then_the_flush_item_9(
    running: Running, archive: FakeArchive, link: LinkProxy, qtbot
):
    window = running.window
    qtbot.waitUntil(lambda: window.now.lamp is Lamp.ONLINE and len(window.now.points) > 5, timeout=15_000)
    assert window.state.title.text() == "Online"
    assert window.value.value.text() != "\u2013"
    assert window.now.buffer.room_h > 0
    link.cut()
    qtbot.waitUntil(lambda: running.session.device.report().state is State.DISCONNECTED, timeout=10_000)
    qtbot.waitUntil(lambda: window.now.lamp is Lamp.DISCONNECTED, timeout=CUT_MS)
    before = held(running)
    qtbot.waitUntil(lambda: held(running) > before + 10, timeout=10_000)
    qtbot.waitUntil(lambda: len(window.work.waiting.model.rows()) > 10, timeout=5_000)
    qtbot.waitUntil(lambda: window.now.link is Link.NO_BROKER, timeout=10_000)
    assert "wait on disk" in window.state.meaning.text()
    points = len(window.now.points)
    qtbot.waitUntil(lambda: len(window.now.points) > points, timeout=5_000)
    link.mend()
    qtbot.waitUntil(lambda: window.now.lamp is Lamp.ONLINE and held(running) < 10, timeout=40_000)


def test_window_chart_after_a_restart_holds_what_was_measured_before_item_2(
    world: World, archive: FakeArchive, qtbot, kept: QSettings
):
    world.enroll("again")
    first = Running(plan(world, "again"), LogTail(), kept)
    try:
        first.window.show()
        qtbot.waitUntil(lambda: len(first.window.now.points) > 10, timeout=15_000)
        newest = first.window.now.points[-1].at
    finally:
        first.close()
    second = Running(plan(world, "again", "60"), LogTail(), kept)
    try:
        second.window.show()
        qtbot.waitUntil(lambda: len(second.window.now.points) > 5, timeout=15_000)
        assert second.window.now.points[0].at < newest
    finally:
        second.close()


def assert_stopped(of: Running) -> None:
    db = sqlite3.connect(of.session.folder.outbox)
    try:
        closed_with, link = db.execute("SELECT closed_with, link FROM sync_state").fetchone()
    finally:
        db.close()
    assert (bool(closed_with), link) == (True, "stopped")


def test_window_closed_leaves_the_device_stopped_and_the_folder_free_item_7(world: World, qtbot, kept: QSettings):
    world.enroll("closed")
    made = Running(plan(world, "closed"), LogTail(), kept)
    made.window.show()
    qtbot.waitUntil(lambda: bool(made.window.now.recorded_at) and made.window.now.link is Link.UP, timeout=15_000)
    made.close()
    assert_stopped(made)
    assert not any(one.name in {"outbox", "courier", "link", "window-watch"} for one in threading.enumerate())
    again = Running(plan(world, "closed"), LogTail(), kept)
    again.close()


def test_window_second_start_on_the_same_data_says_so_and_ends_item_7(running: Running, world: World, qtbot):
    said: list[str] = []
    forms: list[Qt.TextFormat] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            said.append(box.text())
            forms.append(box.textFormat())
            box.accept()
        elif time.monotonic() < until:
            QTimer.singleShot(20, answer)
        else:
            QApplication.exit(1)  # a second program that runs would run for ever

    until = time.monotonic() + 15
    QTimer.singleShot(20, answer)
    code = application.run(lambda _id: plan(world, running.session.folder.client_id))
    assert code == 2
    assert forms == [Qt.TextFormat.PlainText], "it may hold what a file or a server has written"
    assert "is already running" in said[0]
    assert str(os.getpid()) in said[0]


def ended_in_a_dialog(
    qapp: QApplication, run: Callable[[], int], end: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGTERM)
) -> tuple[int, type | None]:
    """Call *end* as soon as *run* shows a dialog; return its exit code and the dialog that had to be closed."""
    asked: list[QWidget] = []
    stayed: list[type] = []

    def ask() -> None:
        shown = QApplication.activeModalWidget()
        if shown is not None and not asked:
            asked.append(shown)
            end()

    def give_up() -> None:
        stayed.append(type(asked[0]))
        asked[0].done(0)

    timer, guard = QTimer(), QTimer()
    timer.timeout.connect(ask)
    timer.start(20)
    guard.setSingleShot(True)
    guard.timeout.connect(give_up)
    guard.start(5_000)
    code = run()
    timer.stop()
    guard.stop()
    QTimer.singleShot(0, qapp.quit)
    qapp.exec()  # what was told to end is told so until the next run
    return code, stayed[0] if stayed else None


def session_end(qapp: QApplication) -> None:
    """Let the desktop session end; its manager, which Qt alone can make, is left out."""
    qapp.commitDataRequest.emit(None)


def test_window_program_that_asks_for_the_enrollment_is_ended_by_a_signal_item_7(world: World, qapp: QApplication):
    made = DeviceFolder("nobody", world.home / "devices" / "nobody")
    asked = SessionPlan(Environment(world.variables), made, None, single("simulator"))
    run = lambda: application.run(lambda _id: asked)  # noqa: E731
    assert ended_in_a_dialog(qapp, run) == (0, None)
    assert ended_in_a_dialog(qapp, run, lambda: session_end(qapp)) == (0, None), "nor does it hold up a log-out"


def test_window_program_that_says_why_it_does_not_start_is_ended_by_a_signal_item_7(qapp: QApplication):
    def refuse(_id: str | None) -> SessionPlan:
        raise ConfigError("the device is already running.")

    assert ended_in_a_dialog(qapp, lambda: application.run(refuse)) == (2, None)


class Noted(Running):
    """Every run of the device in a window, as they come."""

    made: ClassVar[list[Running]] = []

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)


@pytest.mark.parametrize("form", ["no form", "an open form", "a busy form"])
def test_window_program_stops_cleanly_when_the_desktop_session_ends_item_7(
    world: World, qapp: QApplication, kept: QSettings, monkeypatch: pytest.MonkeyPatch, form: str
):
    world.enroll("logout")
    monkeypatch.setattr(application, "Running", Noted)
    monkeypatch.setattr(Noted, "made", [])

    def log_out() -> None:
        if not Noted.made or not Noted.made[-1].window.now.recorded_at:
            return
        timer.stop()
        if form != "no form":
            one = SignInDialog(Noted.made[-1].bridge, lambda _: None, Noted.made[-1].window)
            one.pop_up()
            one._busy(is_busy=form == "a busy form")
        session_end(qapp)

    timer, guard = QTimer(), QTimer(singleShot=True)
    timer.timeout.connect(log_out)
    timer.start(20)
    guard.timeout.connect(lambda: qapp.exit(0))
    guard.start(20_000)
    assert application.run(lambda _id: plan(world, "logout")) == 0
    assert guard.isActive(), "the program went on"
    (made,) = Noted.made
    assert_stopped(made)
    Running(plan(world, "logout"), LogTail(), kept).close()  # it would refuse while another one runs


def test_window_starts_the_device_anew_when_a_part_of_it_has_ended_item_1(
    world: World, qtbot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
):
    world.enroll("ended")
    monkeypatch.setattr(device, "WATCH_EVERY_S", 0.05)
    monkeypatch.setattr(application, "Running", Noted)
    monkeypatch.setattr(Noted, "made", [])
    broken: list[Running] = []

    def drive() -> None:
        newest = Noted.made[-1] if Noted.made else None
        if newest is None or not newest.window.now.recorded_at:
            return
        if broken and newest is not broken[0]:
            qapp.quit()
        elif not broken:
            broken.append(newest)
            newest.session.device.outbox.reading_failed(DamagedError("a page is broken"))

    timer = QTimer()
    timer.timeout.connect(drive)
    timer.start(20)
    guard = QTimer()
    guard.setSingleShot(True)
    guard.timeout.connect(qapp.quit)
    guard.start(20_000)
    planned: list[str | None] = []
    assert application.run(lambda client_id: planned.append(client_id) or plan(world, "ended")) == 0
    timer.stop()
    assert guard.isActive(), "the device was not started anew"
    assert len(Noted.made) == 2
    assert planned == [None, "ended"], "what it is made of is read anew"
    assert [one.session.device.outbox.is_running for one in Noted.made] == [False, False]


def test_window_restart_is_not_held_up_by_a_form_that_is_busy_item_1(running: Running, qtbot, qapp: QApplication):
    form = SignInDialog(running.bridge, lambda _: None)
    qtbot.addWidget(form)
    form.show()
    form._busy(is_busy=True)
    QTimer.singleShot(0, running._start_anew)
    guard = QTimer(singleShot=True)
    guard.timeout.connect(lambda: qapp.exit(9))
    guard.start(5_000)
    assert qapp.exec() == 0
    assert running.starts_anew


def test_window_closed_within_the_pause_before_a_restart_does_not_end_the_next_run_item_1(
    world: World, qapp: QApplication, kept: QSettings, monkeypatch: pytest.MonkeyPatch
):
    world.enroll("paused")
    made = Running(plan(world, "paused"), LogTail(), kept, Backoff(Random(7), base_s=0.1, cap_s=0.1))
    try:
        monkeypatch.setattr(made.session, "_has_ended", True)
        made._look_after()
    finally:
        made.close()
    assert "ended" in made.window.banners.texts
    next_run = QTimer(singleShot=True)
    next_run.timeout.connect(qapp.quit)
    next_run.start(300)
    qapp.exec()
    assert not next_run.isActive(), "something else has ended it"
    assert made.starts_anew is False


def test_window_says_that_it_has_no_news_while_a_look_hangs_and_until_the_next_item_2(
    running: Running, archive: FakeArchive, qtbot, monkeypatch: pytest.MonkeyPatch
):
    window, look, may_go_on = running.window, running.bridge._watch.look, threading.Event()
    monkeypatch.setattr(application, "NEWS_WITHIN_MS", 2_500)
    qtbot.waitUntil(lambda: window.now.lamp is Lamp.ONLINE, timeout=30_000)
    before = window.now  # the next one sets the time anew
    qtbot.waitUntil(lambda: window.now is not before and window.now.lamp is Lamp.ONLINE, timeout=30_000)
    monkeypatch.setattr(running.bridge._watch, "look", lambda: may_go_on.wait(60) and look())
    try:
        qtbot.waitUntil(lambda: "news" in window.banners.texts, timeout=10_000)
        assert "no news from the device for" in window.banners.texts["news"]
        assert (window.state.lamp.state, window.state.title.text()) == (Lamp.DISCONNECTED, "Disconnected")
        assert "Disconnected" in running.tray.icon.toolTip()
        window.say("done", "something else")
        assert window.state.lamp.state is Lamp.DISCONNECTED
    finally:
        may_go_on.set()
    qtbot.waitUntil(lambda: "news" not in window.banners.texts and window.now.lamp is Lamp.ONLINE, timeout=30_000)


def test_settings_saved_are_taken_in_without_holding_up_the_window_item_1(running: Running, qtbot, monkeypatch):
    taken_by: list[threading.Thread] = []
    monkeypatch.setattr(running.session.device, "take_settings", lambda: taken_by.append(threading.current_thread()))
    running._settings_saved(has_moved=False)
    qtbot.waitUntil(lambda: bool(taken_by), timeout=5_000)
    assert taken_by[0] is not threading.current_thread()


def window_program(world: World, client_id: str) -> Program:
    world.enroll(client_id)
    command = [program("pulse-desktop"), "--client-id", client_id, "--source", "simulator", "--interval", "0.1"]
    variables = {**world.variables, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(world.home / "config")}
    made = Program(client_id, command, variables, world.home / f"{client_id}.log")
    world.programs.append(made)
    return made


def live_of(archive: FakeArchive, client_id: str) -> list[dict]:
    return [one for one in list(archive.live) if one["client_id"] == client_id]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_window_program_ended_by_a_signal_closes_cleanly_and_loses_nothing_item_7(
    world: World, archive: FakeArchive, number: signal.Signals
):
    client_id = f"signal{number}"
    one = window_program(world, client_id).start()
    try:
        until(lambda: len(live_of(archive, client_id)) > 5, within_s=60, what="live readings of this device arrive")
    finally:
        code = one.stop(number=number)
    assert code == 0
    assert '"clean": true' in one.tail()
    assert "Traceback" not in one.tail()
    said = lambda: [beat["status"] for beat in list(archive.heartbeats) if beat["client_id"] == client_id]  # noqa: E731
    until(lambda: said()[-1] == "OFFLINE", within_s=5, what="the farewell")
    outbox = world.home / "devices" / client_id / "outbox.db"
    db = sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)
    try:
        recorded = {(stream, n) for stream, last in db.execute("SELECT stream, last_sequence_no FROM streams")
                    for n in range(1, last + 1)}  # fmt: skip
        waiting = set(db.execute("SELECT stream, sequence_no FROM telemetry_buffer"))
    finally:
        db.close()
    assert recorded
    assert {key for key in list(archive.kept) if key in recorded} | waiting == recorded


def test_window_program_without_qt_says_how_to_get_it_item_1(world: World, tmp_path: Path, monkeypatch, capsys):
    from pulse_desktop import program as desktop

    monkeypatch.setattr(desktop, "find_spec", lambda name: None if name == "PySide6" else object())
    monkeypatch.setenv("PULSE_HOME", str(tmp_path))
    monkeypatch.setattr(desktop, "configure_logs", lambda *_: None)  # it would be that of every test after this one
    with pytest.raises(ConfigError, match=r"the window needs PySide6; .*--headless"):
        desktop.main([])


def test_log_tail_keeps_the_newest_events_with_their_fields_item_2():
    import logging

    tail = LogTail()
    record = logging.LogRecord("x", logging.INFO, "", 0, {"event": "a.b", "level": "info", "at": "t", "n": 1}, (), None)
    tail.emit(record)
    (line,) = tail.lines()
    assert (line.at, line.level, line.event, line.fields) == ("t", "info", "a.b", "n=1")
    assert tail.lines() is tail.lines()
    assert json.dumps(line.fields)
