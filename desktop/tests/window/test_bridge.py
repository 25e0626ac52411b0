"""How what happens in other threads reaches the window, and that nothing of the window is held or destroyed there."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject

from pulse_desktop.core.errors import SignInError
from pulse_desktop.ui import bridge
from pulse_desktop.ui.bridge import Bridge, Tasks


class Window(QObject):
    """Tells in which thread it is destroyed."""

    def __init__(self, destroyed_in: Callable[[threading.Thread], None]) -> None:
        super().__init__()
        self._destroyed_in = destroyed_in
        self.said: Callable[[str], None] = print

    def __del__(self) -> None:
        self._destroyed_in(threading.current_thread())

    def work(self) -> str:
        return "answer"

    def failing(self) -> str:
        raise SignInError("no")

    def tell(self, answer: str) -> None:
        self.said(answer)


class Watched:
    """A device that is looked at; notes what is asked for, and waits in each look until ``may_end``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.looking, self.may_end = threading.Event(), threading.Event()

    def look(self) -> int:
        self.asked.append("look")
        self.looking.set()
        self.may_end.wait(20)
        return len(self.asked)

    def look_again(self) -> None:
        self.asked.append("at all of it")

    def show(self, metric: str, _span_s: float) -> None:
        self.asked.append(metric)


def test_bridge_ends_although_a_look_hangs_on_a_dead_disk_item_7(qapp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "LOOK_ENDS_S", 0.05)
    watched, told = Watched(), []
    made = Bridge(watched, None)
    made.start(told.append)
    try:
        assert watched.looking.wait(5)
        made.close()
        assert made._thread.is_alive()
    finally:
        watched.may_end.set()
        made._thread.join(5)
    qapp.processEvents()
    assert told == []


def test_bridge_looks_at_once_when_a_person_did_something_item_1(qtbot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "LOOK_EVERY_S", 3_600)
    watched, told = Watched(), []
    watched.may_end.set()
    made = Bridge(watched, None)
    made.start(told.append)
    try:
        qtbot.waitUntil(lambda: told == [1])
        made.look_again()
        qtbot.waitUntil(lambda: told == [1, 3])
        made.show("rpm", 60)
        qtbot.waitUntil(lambda: told == [1, 3, 5])
    finally:
        made.close()
    assert watched.asked == ["look", "at all of it", "look", "rpm", "look"]


def test_answer_that_comes_after_the_end_of_the_window_is_dropped_item_1(qtbot, qapp):
    tasks, begun, may_end, told = Tasks(), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        may_end.wait(20)

    tasks.ask(work, told.append, told.append)
    tasks.ask(lambda: told.append("begun after the end"), told.append, told.append)
    assert begun.wait(20)
    tasks.close()
    may_end.set()
    tasks._thread.join(20)
    qapp.processEvents()
    tasks.ask(work, told.append, told.append)
    assert told == []


def test_windows_that_asked_are_destroyed_in_their_own_thread_item_1(qtbot):
    destroyed_in, said = [], []
    tasks = Tasks()
    for _ in range(20):
        well, ill = Window(destroyed_in.append), Window(destroyed_in.append)
        well.said = ill.said = said.append
        tasks.ask(well.work, well.tell, well.tell)
        tasks.ask(ill.failing, ill.tell, ill.tell)
        del well, ill
    qtbot.waitUntil(lambda: len(destroyed_in) == 40)
    tasks.close()
    assert said == ["answer", "no"] * 20
    assert set(destroyed_in) == {threading.main_thread()}


def test_windows_that_are_garbage_are_collected_in_their_own_thread_item_1(qapp):
    destroyed_in, kept = [], []
    window = Window(destroyed_in.append)
    window.itself = window
    del window
    other = threading.Thread(target=lambda: kept.extend([] for _ in range(100_000)))
    other.start()
    other.join()
    assert destroyed_in == []
    gc.collect()
    assert destroyed_in == [threading.main_thread()]
