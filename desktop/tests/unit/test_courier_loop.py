"""The courier's thread: an error in a call is logged and costs neither the thread nor the processor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.delivery.courier import Courier
from pulse_desktop.core.delivery.loop import CourierLoop
from support.waiting import until


class Failing:
    """A courier with something due at any time, which always fails."""

    def __init__(self) -> None:
        self.ticks = 0
        self.called = threading.Event()

    def next_wakeup(self) -> float:
        return time.monotonic() - 1.0

    def tick(self) -> None:
        self.ticks += 1
        raise OSError("the disk is gone")

    def link_down(self) -> None:
        self.called.set()


@contextmanager
def running(courier: Failing, failed: Callable[[Exception], None] = lambda _error: None) -> Iterator[CourierLoop]:
    loop = CourierLoop(SystemClock(), lambda: cast(Courier, courier), lambda: None, failed)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
    assert not loop.is_running


def test_loop_work_that_always_fails_is_tried_again_with_pauses_and_delays_no_call(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("pulse_desktop.core.delivery.loop.log.exception", lambda *_, **__: None)
    courier, told = Failing(), list[Exception]()
    began = time.monotonic()
    with running(courier, told.append):
        until(lambda: len(told) >= 2, within_s=5, what="the failing work is tried again", every_s=0.01)
        ticks = courier.ticks
        assert time.monotonic() - began >= 0.9 * (ticks - 1), "a second tick at once is a busy loop"
    monkeypatch.setattr("pulse_desktop.core.delivery.loop.AFTER_ERROR_S", 20.0)
    courier = Failing()
    with running(courier) as loop:
        until(lambda: courier.ticks >= 1, within_s=5, what="it pauses", every_s=0.01)
        loop.post("link_down")
        assert courier.called.wait(5), "what happens is not kept waiting"
