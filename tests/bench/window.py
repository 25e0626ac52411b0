"""
The desktop window under Xvfb on the embedded default: how soon it is up, how it flushes, what it costs when idle.

A frame counts as blocked from one turn of a 5 ms timer in the window's thread to the next. Beside the idle share: the
same device without a window, which samples, stores, publishes and hears as much.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import psutil

from bench.children import Child, child
from bench.desktops import add_backlog, enrolled, outbox_of
from bench.figures import Limit
from faults.outbox_file import held
from support.stack import running_stack
from support.waiting import until
from support.x_windows import hidden_screen

if TYPE_CHECKING:
    from pulse_desktop.session import SessionPlan

BACKLOG, INTERVAL_S, IDLE_S, SETTLED_S = 100_000, 0.1, 30.0, 5.0
TURN_MS, FLUSHED, FLUSHED_WITHIN_S = 5, 10, 120.0  # rows that are left when it is flushed
MOST_START_S, MOST_FRAME_MS, MOST_PCT, MOST_MB = 2.0, 100.0, 3.0, 200.0


def measure() -> list[Limit]:
    """Return the time to the window, the longest blocked frame of a flush, and memory and processor time after it."""
    with running_stack("postgres", "broker", "auth-api", "ingest") as stack, hidden_screen("1920x1080") as display:
        file = outbox_of(stack, "window")
        enrolled(stack, "window", interval_s=INTERVAL_S)
        add_backlog(file, BACKLOG)
        bare = enrolled(stack, "bare", "--source", "simulator", interval_s=INTERVAL_S)
        variables = {**stack.variables, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        began = time.monotonic()
        with child(show_window, variables, "window") as window:
            window.tell(began)
            started_s = window.hear(30)
            until(lambda: held(file) < FLUSHED, within_s=FLUSHED_WITHIN_S, what="the backlog is flushed")
            window.tell()
            blocked_ms, turns = window.hear(30)
            idle, megabytes = _cost(window)
        assert bare.start().process is not None
        until(lambda: outbox_of(stack, "bare").exists(), within_s=30, what="the device without a window runs")
        beside = _share(psutil.Process(bare.process.pid))
    told = f"without a window {beside:.1f} %; the window's own {idle - beside:.1f} %"
    return [
        Limit("window, up after", started_s, "s", MOST_START_S),
        Limit("window, longest blocked frame", blocked_ms, "ms", MOST_FRAME_MS, f"{turns:,} turns while it flushed"),
        Limit("window, processor when idle", idle, "% of a core", MOST_PCT, told),
        Limit("window, memory", megabytes, "MB", MOST_MB),
    ]


def _cost(window: Child) -> tuple[float, float]:
    process = psutil.Process(window.pid)
    return _share(process), process.memory_info().rss / 1e6


def _share(process: psutil.Process) -> float:
    """Return the processor time in per cent of a core, once it has settled."""
    time.sleep(SETTLED_S)
    began, spent = time.monotonic(), _spent(process)
    time.sleep(IDLE_S)
    return 100 * (_spent(process) - spent) / (time.monotonic() - began)


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def show_window(pipe: Connection, variables: Mapping[str, str], client_id: str) -> None:
    """Show the window; say when it stood there and, when told, the longest time between its turns and their number."""
    os.environ.update(variables)
    pipe.send("ready")
    began = pipe.recv()

    from PySide6.QtCore import QSettings, QTimer

    from pulse_desktop.ui.application import Running, the_application
    from pulse_desktop.ui.log_tail import LogTail
    from pulse_desktop.ui.theme.style import DARK, put_on

    application = the_application()
    put_on(application, DARK)
    running = Running(_plan(variables, client_id), LogTail(), QSettings("PrecisionPulse", "bench"))
    turns = [time.monotonic()]
    timer = QTimer(interval=TURN_MS)

    def turn() -> None:
        if len(turns) == 1:
            pipe.send(time.monotonic() - began)
        turns.append(time.monotonic())
        if timer.isActive() and pipe.poll(0):
            pipe.recv()
            timer.stop()
            pipe.send((1000 * max(after - before for before, after in itertools.pairwise(turns[1:])), len(turns)))

    timer.timeout.connect(turn)
    running.window.show()
    QTimer.singleShot(0, timer.start)
    application.exec()


def _plan(variables: Mapping[str, str], client_id: str) -> SessionPlan:
    from pulse_desktop.core.folder import find
    from pulse_desktop.core.sources.plan import single
    from pulse_desktop.session import SessionPlan as Plan
    from pulse_runtime.environment import Environment

    environment = Environment(variables)
    return Plan(environment, find(environment, client_id), f"{INTERVAL_S:g}", single("simulator", seed=1))
