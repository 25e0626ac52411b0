"""The link keeper: when it tries again, and that it leaves its time to another device with its id."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from pulse_desktop.core.errors import CutOffError, Link, LinkError
from pulse_desktop.core.link import LinkKeeper, Listener, Token
from pulse_desktop.core.publisher import Callbacks, Endpoint, Login
from pulse_desktop.core.takeover import LEAST_WAIT_S, MOST_WAIT_S
from support.device_fakes import FakeClock
from support.waiting import until

WHERE = Endpoint("127.0.0.1", 1, None)


class NoWait(Random):
    """Draws no time at all; ``drawn`` are the ranges that it was asked for."""

    def __init__(self) -> None:
        super().__init__(1)
        self.drawn: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.drawn.append((a, b))
        return 0.0


class Tokens:
    def fetch(self) -> Token:
        return Token("device:D1", "secret", 3_600.0, WHERE, 0)


class Broker:
    """Decides what becomes of each connection: ``plan`` holds an error, ``cut``, ``silent`` or ``stay`` for each."""

    def __init__(self, *plan: LinkError | str) -> None:
        self.plan, self.closed = list(plan), 0

    def connection(self, _login: Login, _topics: object, callbacks: Callbacks) -> Any:
        broker, fate = self, self.plan.pop(0) if self.plan else "stay"

        class Connection:
            def open(self, _where: Endpoint) -> None:
                if isinstance(fate, LinkError):
                    raise fate
                if fate != "stay":
                    callbacks.on_lost("gone", fate == "cut")

            def close(self) -> None:
                broker.closed += 1

        return Connection()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs a keeper through a plan and gives the links it told and the waits it drew."""
    keepers: list[LinkKeeper] = []

    def through(*plan: LinkError | str, foreign_on: int = 0) -> tuple[list[tuple[Link, str]], NoWait]:
        broker, random, told = Broker(*plan), NoWait(), list[tuple[Link, str]]()
        monkeypatch.setattr("pulse_desktop.core.link.Connection", broker.connection)
        ups = list[int]()

        def on_up(*_: object) -> None:
            ups.append(1)
            if len(ups) == foreign_on:
                keeper.foreign_receipt()

        listener = Listener(on_up, lambda: None, lambda *what: told.append(what), lambda *_: None, lambda *_: None)
        keeper = LinkKeeper("D1", Tokens(), listener, FakeClock(), random)
        keepers.append(keeper)
        keeper.start()
        until(lambda: not broker.plan and told and told[-1][0] is Link.UP, within_s=5, what="the last connection stays")
        return told, random

    yield through
    for keeper in keepers:
        keeper.stop()


def waits_long(random: NoWait) -> int:
    return random.drawn.count((LEAST_WAIT_S, MOST_WAIT_S))


def test_link_cut_off_again_and_again_says_taken_over_and_leaves_the_other_its_time_case_40(run):
    told, random = run("cut", "cut", CutOffError(Link.NO_BROKER, "closed"), "cut", "stay")
    links = [link for link, _ in told]
    assert links == [
        Link.UP, Link.CONNECTING, Link.UP, Link.CONNECTING, Link.TAKEN_OVER, Link.UP, Link.TAKEN_OVER, Link.UP
    ]  # fmt: skip
    assert told[-1] == (Link.UP, Link.TAKEN_OVER), "it may come back"
    assert waits_long(random) == 2


def test_link_lost_by_silence_or_with_failures_between_is_no_other_device(run):
    failed = LinkError(Link.NO_BROKER, "does not answer")
    told, random = run("silent", "silent", "silent", "cut", "cut", failed, "cut", "cut", failed, "stay")
    assert Link.TAKEN_OVER not in [link for link, _ in told]
    assert (told[-1], waits_long(random)) == ((Link.UP, ""), 0)


@pytest.mark.parametrize(("foreign_on", "waits"), [(1, 0), (2, 1)])
def test_link_foreign_receipt_after_a_cut_off_makes_the_next_one_a_takeover_case_40(run, foreign_on: int, waits: int):
    """On the first connection it may be for an older copy of the file."""
    told, random = run("cut", "cut", "stay", foreign_on=foreign_on)
    assert waits_long(random) == waits
    assert told[-1] == (Link.UP, Link.TAKEN_OVER if waits else "")


class LosingClock(FakeClock):
    """Loses the connection just when the keeper has seen that it stands and asks how long it may wait."""

    def __init__(self) -> None:
        super().__init__()
        self.lose: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        if self.lose:
            self.lose.pop()()
        return super().monotonic()


def test_link_lost_while_it_begins_to_wait_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch):
    clock, broker, ups = LosingClock(), Broker("stay", "stay"), list[int]()
    made: list[Callbacks] = []

    def connection(login: Login, topics: object, callbacks: Callbacks) -> Any:
        made.append(callbacks)
        return broker.connection(login, topics, callbacks)

    def on_up(*_: object) -> None:
        ups.append(1)
        if len(ups) == 1:
            clock.lose.append(lambda: made[0].on_lost("gone", True))

    monkeypatch.setattr("pulse_desktop.core.link.Connection", connection)
    listener = Listener(on_up, lambda: None, lambda *_: None, lambda *_: None, lambda *_: None)
    keeper = LinkKeeper("D1", Tokens(), listener, clock, NoWait())
    keeper.start()
    try:
        until(lambda: len(ups) == 2, within_s=5, what="the next connection")
    finally:
        keeper.stop()
