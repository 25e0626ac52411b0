"""Another device id from the window: the old buffer is flushed first, then the program goes on as the new device."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication, QPushButton

from pulse_desktop import session as sessions
from pulse_desktop.core.connection import State
from pulse_desktop.core.errors import ChangeError, EnrollmentError, SignInError
from pulse_desktop.core.folder import find, is_replaced
from pulse_desktop.core.sources.plan import read_plan, write_plan
from pulse_desktop.session import SessionPlan
from pulse_desktop.ui import application
from pulse_desktop.ui.application import Running
from pulse_desktop.ui.log_tail import LogTail
from pulse_desktop.ui.windows.enroll import EnrollDialog
from pulse_runtime.environment import Environment
from support.device_world import FakeArchive, World


def plan(world: World, client_id: str | None, *, is_id_fixed: bool = False) -> SessionPlan:
    environment = Environment(world.variables)
    folder = find(environment, client_id)
    return SessionPlan(environment, folder, "0.1", read_plan(folder.path), is_id_fixed=is_id_fixed)


def enrolled(world: World, client_id: str) -> Path:
    folder = world.enroll(client_id)
    write_plan(folder, [{"kind": "simulator", "prefix": "s/"}])
    return folder


def may_configure(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is signed in here; who may is tested with the operation."""
    monkeypatch.setattr(running.session.operation, "check_addresses", lambda api, broker: (api, broker))


def ask_for(running: Running, world: World, client_id: str) -> EnrollDialog:
    running._open_device()
    (dialog,) = [one for one in running.window.findChildren(EnrollDialog) if one.isVisible()]
    dialog.device.setText(client_id)
    dialog.code.setText(world.code())
    dialog.submit()
    return dialog


def is_live(running: Running) -> bool:
    """Tell whether it may become another device: what was held at its start is in the archive."""
    return len(running.window.now.points) > 3 and running.session.device.report().state is State.CONNECTED


def recorded(folder: Path) -> tuple[set[tuple[str, int]], int]:
    """Return (stream, number) of all that a device ever recorded, and how many of it wait."""
    db = sqlite3.connect(f"file:{folder / 'outbox.db'}?mode=ro", uri=True)
    try:
        streams = db.execute("SELECT stream, last_sequence_no FROM streams").fetchall()
        waiting = db.execute("SELECT count(*) FROM telemetry_buffer").fetchone()[0]
    finally:
        db.close()
    return {(stream, number) for stream, last in streams for number in range(1, last + 1)}, waiting


class Noted(Running):
    """Every run of the device in a window, as they come."""

    made: ClassVar[list[Running]] = []

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)


def test_device_id_changed_in_the_window_sends_the_old_buffer_and_goes_on_as_the_new_device_item_4(
    world: World, archive: FakeArchive, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
):
    old = enrolled(world, "press-1")
    monkeypatch.setattr(application, "Running", Noted)
    monkeypatch.setattr(Noted, "made", [])
    asked: list[EnrollDialog] = []

    def drive() -> None:
        now = Noted.made[-1]
        if len(Noted.made) == 1 and not asked and is_live(now):
            may_configure(now, monkeypatch)
            asked.append(ask_for(now, world, "press-2"))
        elif any(one["client_id"] == "press-2" for one in list(archive.live)):
            qapp.quit()

    timer, guard = QTimer(), QTimer(singleShot=True)
    timer.timeout.connect(drive)
    timer.start(50)
    guard.timeout.connect(qapp.quit)
    guard.start(40_000)
    assert application.run(lambda client_id: plan(world, client_id or "press-1")) == 0
    timer.stop()
    QTimer.singleShot(0, qapp.quit)
    qapp.exec()  # what was told to end is told so until the next run
    assert guard.isActive(), "the new device did not come"
    assert [one.session.folder.client_id for one in Noted.made] == ["press-1", "press-2"]
    numbers, waiting = recorded(old)
    assert waiting == 0
    assert numbers <= set(archive.kept), "all of the old device is in the archive"
    metrics = {one["client_id"]: set(one["metrics"]) for one in list(archive.live)}
    assert metrics["press-1"] == metrics["press-2"], "from the same sources"
    monkeypatch.setattr("pulse_desktop.core.folder.socket.gethostname", lambda: "press-1")
    assert plan(world, None).folder.client_id == "press-2", "the next start is the new device's"


@pytest.fixture
def running(world: World, archive, qtbot, kept: QSettings, request, monkeypatch):  # noqa: PLR0917 - fixtures by name
    client_id = f"id{abs(hash(request.node.name)) % 10**9}"
    enrolled(world, client_id)
    made = Running(plan(world, client_id), LogTail(), kept)
    try:
        may_configure(made, monkeypatch)
        made.window.show()
        qtbot.waitUntil(lambda: is_live(made), timeout=15_000)
        yield made
    finally:
        made.close()


def goes_on(running: Running, qtbot) -> bool:
    number = running.session.device.outbox.state.current.last_no
    qtbot.waitUntil(lambda: running.session.device.outbox.state.current.last_no > number + 3, timeout=10_000)
    return running.session.device.report().ended == ()


def test_device_id_is_refused_while_readings_wait_and_sampling_goes_on_item_4(
    running: Running, archive: FakeArchive, world: World, qtbot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sessions, "DRAIN_S", 0.5)
    archive.answers = False
    qtbot.waitUntil(lambda: running.session.device.outbox.state.held > 3, timeout=10_000)
    dialog = ask_for(running, world, "never")
    qtbot.waitUntil(dialog.error.isVisible, timeout=10_000)
    assert "not in the archive so far" in dialog.error.text()
    assert goes_on(running, qtbot)
    assert running.starts_anew is False
    assert "never" not in world.api.enrolled
    archive.answers = True


def test_device_id_that_the_server_refuses_leaves_the_device_as_it_is_item_4(running: Running, world: World, qtbot):
    world.code()
    with pytest.raises(EnrollmentError, match="code is wrong"):
        running.session.become("other", world.api.url, f"GUESSED.{world.api.code.split('.')[1]}", "")
    assert goes_on(running, qtbot)
    assert not (running.session.folder.path / "replaced-by").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda of: of.session.folder.client_id, "already"),
        (lambda of: enrolled(of.world, "elsewhere").name, "has been a device of this machine"),
    ],
)
def test_device_id_that_cannot_be_the_next_one_says_why_item_4(
    running: Running, world: World, change: Callable[[Any], str], said: str
):
    running.world = world
    with pytest.raises(ChangeError, match=said):
        running.session.become(change(running), world.api.url, world.code(), "")


def test_device_id_asked_for_before_the_end_of_the_program_changes_nothing_after_it_item_4(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
):
    drain = running.session.device.drain

    def drained_at_the_end(within_s: float) -> int:
        left = drain(within_s)
        running.session._stopping.set()
        return left

    monkeypatch.setattr(running.session.device, "drain", drained_at_the_end)
    with pytest.raises(ChangeError, match="the program ended"):
        running.session.become("other", world.api.url, world.code(), "")
    assert "other" not in world.api.enrolled
    assert not (running.session.folder.path / "replaced-by").exists()


def test_device_id_whose_identity_is_stored_counts_although_the_disk_fails_then_item_4(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_arguments: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(sessions, "replaced", fail)
    assert running.session.become("moved", world.api.url, world.code(), "").client_id == "moved"
    assert is_replaced(running.session.folder.path)
    assert running.session.device._sources._is_resting


def test_device_id_needs_the_right_to_configure_item_4(running: Running, world: World, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(SignInError):
        running.session.become("other", world.api.url, world.code(), "")


def test_device_id_fixed_by_the_command_line_is_not_offered_item_4(world: World, archive, qtbot, kept: QSettings):
    enrolled(world, "fixed")
    made = Running(plan(world, "fixed", is_id_fixed=True), LogTail(), kept)
    try:
        made._show_settings([])
        (button,) = [one for one in made.window.findChildren(QPushButton) if one.text().startswith("Another id")]
        assert not button.isEnabled()
        with pytest.raises(ChangeError, match="fixed by --client-id"):
            made.session._next_folder("other")
    finally:
        made.close()
