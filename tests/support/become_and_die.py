"""
Makes the device press-1 of a home folder become press-2, and ends the process at a point that is asked for.

A program of its own, because it ends without any chance to put something right, as after a loss of power.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pulse_desktop import session
from pulse_desktop.core.connection import State
from pulse_desktop.core.folder import find
from pulse_desktop.core.identity import store
from pulse_desktop.core.sources.plan import read_plan
from pulse_desktop.session import Session, SessionPlan
from pulse_runtime.environment import Environment

OLD, NEW = "press-1", "press-2"
DIED = 9


class CaughtUp:
    """A device that the archive has answered everything of."""

    def __init__(self, _parts: object) -> None:
        """Nothing runs, the outbox neither."""
        self.outbox = SimpleNamespace(is_running=False)

    def report(self) -> Any:
        return type("Report", (), {"state": State.CONNECTED})

    def drain(self, _within_s: float) -> int:
        return 0

    def go_on(self) -> None:
        """Nothing rests."""

    def flush(self) -> None:
        """Nothing is held."""


def dies(*_arguments: object, **_named: object) -> None:
    os._exit(DIED)


def dies_after(work: Callable[..., Any], is_meant: Callable[..., bool]) -> Callable[..., Any]:
    def done(*arguments: Any, **named: Any) -> Any:
        answer = work(*arguments, **named)
        if is_meant(*arguments):
            os._exit(DIED)
        return answer

    return done


def main() -> None:
    """Do it, or start alone, with the point, the API's address and the code of the command line."""
    point, api_url, code = sys.argv[1:]
    environment = Environment(os.environ)
    folder = find(environment, OLD)
    match point:
        case "asked":
            session.enroll_device = dies
        case "agreed":
            store.save = dies
        case "keys kept":
            store.write_private = dies_after(store.write_private, lambda path, *_: path.name == "ca.pem")
        case "identity stored":
            store.write_private = dies_after(store.write_private, lambda path, *_: path.name == store.IDENTITY)
        case "enrolled":
            session.enroll_device = dies_after(session.enroll_device, lambda *_: True)
    session.Device = CaughtUp
    one = Session(SessionPlan(environment, folder, None, read_plan(folder.path)))
    one.operation.check_addresses = lambda api, broker: (api, broker)
    if point != "start alone":
        one.become(NEW, api_url, code, "")
    one.close()


if __name__ == "__main__":
    main()
