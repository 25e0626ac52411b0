"""The connection to the real broker: how it ends, and that it says so."""

from __future__ import annotations

import queue
import ssl
from collections.abc import Callable

import pytest

from pulse_desktop.core.delivery import messages
from pulse_desktop.core.publisher import Callbacks, Connection, Endpoint, Login
from support.device_world import FakeArchive, World

Lost = queue.SimpleQueue[tuple[str, bool]]


def connect(world: World, client_id: str, lost: Lost, on_message: Callable[[str, bytes, bool], None]) -> Connection:
    _, username, token = world.mint.device(client_id)
    login = Login(client_id, username, token, f"heartbeat/{client_id}", messages.will(client_id))
    callbacks = Callbacks(on_message, lambda _number: None, lambda *what: lost.put(what))
    made = Connection(login, [f"archive/{client_id}/receipt"], callbacks)
    made.open(Endpoint("127.0.0.1", world.mqtts_port, ssl.create_default_context(cafile=str(world.home / "ca.pem"))))
    return made


def test_connection_taken_over_says_that_the_other_side_ended_it_case_40(world: World):
    lost: Lost = queue.SimpleQueue()
    first = connect(world, "taken", lost, lambda *_: None)
    second = connect(world, "taken", lost, lambda *_: None)
    assert lost.get(timeout=10)[1] is True
    first.close()
    second.close()


def test_connection_error_in_a_callback_is_a_loss_and_not_silence(
    world: World, archive: FakeArchive, capfd: pytest.CaptureFixture[str]
):
    def broken(*_: object) -> None:
        raise RuntimeError("cannot take it")

    lost: Lost = queue.SimpleQueue()
    connection = connect(world, "broken", lost, broken)
    archive.tell("broken", b"{}")
    assert lost.get(timeout=10) == ("an unexpected error: cannot take it", False)
    connection.close()
    assert "desktop.callback_failed" in capfd.readouterr().out
