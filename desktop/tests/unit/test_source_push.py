"""The port for values of local programs: who may push, what, and what an answer means."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any

import httpx
import pytest

from pulse_acl.payloads import INT64_MAX, INT64_MIN
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Outbox, OutboxReader
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.sources import push_server
from pulse_desktop.core.sources.base import SourceConfigError, Surroundings
from pulse_desktop.core.sources.push import Pushed
from pulse_desktop.core.sources.recorder import Recorder
from pulse_desktop.core.streams import new_stream
from support.waiting import until


@dataclass
class Port:
    """A push source on an outbox of its own, and a client that knows the key."""

    source: Pushed
    outbox: Outbox
    recorder: Recorder
    folder: Path

    @property
    def key(self) -> str:
        return self.source.key_file.read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}

    def post(self, body: str | bytes | dict[str, Any], path: str = "/readings", **headers: str) -> httpx.Response:
        content = json.dumps(body) if isinstance(body, dict) else body
        url = f"http://127.0.0.1:{self.source.port}{path}"
        return httpx.post(url, content=content, headers={**self.headers, **headers}, timeout=10)

    def held(self) -> list[dict[str, Any]]:
        reader = OutboxReader(self.folder / "outbox.db")
        try:
            rows = reader._db.execute("SELECT metrics FROM telemetry_buffer ORDER BY position").fetchall()
        finally:
            reader.close()
        return [json.loads(row[0]) for row in rows]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    recorder: list[Recorder] = []
    outbox = Outbox(
        tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings(),
        lambda note: recorder[0].committed(note.added),
    )  # fmt: skip
    recorder.append(Recorder(outbox.append, outbox.flush, SystemClock()))
    outbox.start()
    source = Pushed(0, Surroundings("push", tmp_path, lambda values: _checked(recorder[0], values)))
    yield Port(source, outbox, recorder[0], tmp_path)
    source.close()
    assert outbox.close()


def _checked(recorder: Recorder, values: Any) -> Any:
    from pulse_desktop.core.sources.checked import Claims, prefixed

    cleaned, refusal = prefixed("", values, 0, Claims(["push"]))
    if refusal:
        raise ValueError(refusal)
    return recorder.record(cleaned.metrics)


def test_push_is_on_disk_when_it_is_answered_and_integers_are_exact_item_5(port: Port):
    metrics = {"count": INT64_MAX, "least": INT64_MIN, "odd": 9007199254740993, "temp": 0.1, "ok": True}
    for number in (1, 2):
        answer = port.post({"metrics": metrics})
        assert (answer.status_code, answer.json()["sequence_no"]) == (201, number)
        assert answer.json()["stream"] == port.outbox.state.current.stream
        assert len(port.held()) == number, "the answer comes after the commit"
    assert port.held() == [metrics] * 2
    assert {type(port.held()[0][name]) for name in ("count", "temp", "ok")} == {int, float, bool}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"metrics": {"a": 9223372036854775808}}', "a is not recorded: an integer beyond 64 bits"),
        ('{"metrics": {"a": 1e999}}', "a is not recorded: not a finite number"),
        ('{"metrics": {"a": NaN}}', "NaN is no JSON number"),
        ('{"metrics": {"a": "1"}}', "a is not recorded: neither an integer nor a decimal nor a boolean"),
        ('{"metrics": {"good": 1, "a": null}}', "a is not recorded"),
        ('{"metrics": {"a b": 1}}', "a b is not recorded: a metric's name is"),
        ('{"metrics": {"a": 1, "a": 2}}', "a name stands twice in one object"),
        ('{"metrics": {"a": 1}, "at": 1}', 'the body has to be {"metrics": {"name": value}} and nothing else'),
        ('{"metrics": [1]}', "the body has to be"),
        ("[]", "the body has to be"),
        ("{", "the body is no JSON"),
        (b'{"metrics": {"\xff": 1}}', "the body is not UTF-8"),
        ("[" * 60_000, "the body is nested too deeply"),
        ('{"metrics": {"a": ' + "9" * 5_000 + "}}", "integer string conversion"),
    ],
)
def test_push_of_what_may_not_be_recorded_is_refused_whole_with_the_reason(
    port: Port, body: str | bytes, sentence: str
):
    answer = port.post(body)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]
    assert port.held() == []


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/readings", {"Authorization": "Bearer wrong"}, 401),
        ("/readings", {"Authorization": ""}, 401),
        ("/readings", {"Origin": "http://127.0.0.1"}, 403),
        ("/readings", {"Origin": "null"}, 403),
        ("/readings", {"Host": "evil.example"}, 403),
        ("/readings", {"Host": "127.0.0.1.evil.example:9470"}, 403),
        ("/readings", {"Host": "localhost"}, 201),
        ("/readings", {"Content-Type": "text/plain"}, 415),
        ("/else", {}, 404),
    ],
)
def test_push_needs_the_key_a_name_of_this_machine_and_no_browser_item_5(
    port: Port, path: str, headers: dict[str, str], status: int
):
    answer = port.post({"metrics": {"a": 1}}, path, **headers)
    assert answer.status_code == status
    assert len(port.held()) == (1 if status == 201 else 0)


def test_push_takes_no_other_method_and_no_larger_body(port: Port):
    url = f"http://127.0.0.1:{port.source.port}/readings"
    assert httpx.get(url, headers=port.headers).status_code == 405
    assert httpx.get(url).status_code == 401, "nothing is told without the key"
    large = b'{"metrics": {}}' + b" " * push_server.MOST_BYTES
    assert port.post(large).status_code == 413
    unsized = httpx.post(url, content=iter([b"{}"]), headers=port.headers)
    assert unsized.status_code == 411


def test_push_key_is_the_owners_alone_stays_and_is_refused_when_others_can_read_it(port: Port):
    assert port.source.key_file.stat().st_mode & 0o777 == 0o600
    around = Surroundings("push", port.folder, lambda _values: pytest.fail("nothing is pushed"))
    key = port.key
    second = Pushed(0, around)
    assert second.key_file.read_text().strip() == key
    second.close()
    port.source.key_file.chmod(0o640)
    with pytest.raises(SourceConfigError, match="may be read by others; make its mode 0600"):
        Pushed(0, around)
    port.source.key_file.chmod(0o600)


def test_push_port_that_is_taken_says_what_to_do(port: Port):
    around = Surroundings("other", port.folder, lambda _values: pytest.fail("nothing is pushed"))
    with pytest.raises(SourceConfigError, match=rf"port {port.source.port} .* give another in the option 'port'"):
        Pushed(port.source.port, around)


def test_push_port_is_free_again_at_once_after_closing(port: Port):
    number = port.source.port
    port.post({"metrics": {"a": 1}})
    port.source.close()
    port.source = Pushed(number, Surroundings("push", port.folder, lambda _values: pytest.fail("nothing is pushed")))
    assert port.source.port == number


def test_push_while_recording_has_stopped_is_refused_for_certain(port: Port, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(port.recorder, "_append", lambda _sample: False)
    answer = port.post({"metrics": {"a": 1}})
    assert (answer.status_code, answer.json()["recorded"]) == (503, False)
    assert "recording has stopped" in answer.json()["error"]


def test_push_into_a_full_buffer_is_refused_and_declared_lost(port: Port):
    port.outbox.configure(DeviceSettings(buffer_limit=1_000))
    for number in range(1_000):
        port.outbox.append(Sample(SystemClock().now(), {"a": number}))
    assert port.outbox.flush(5)
    answer = port.post({"metrics": {"a": 1}})
    assert (answer.status_code, answer.json()["recorded"]) == (503, False)
    assert "the buffer is full" in answer.json()["error"]
    assert len(port.held()) == 1_000


def test_push_that_is_not_on_disk_in_time_is_answered_with_neither_yes_nor_no(
    port: Port, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(port.recorder, "_flush", lambda _within_s: False)
    monkeypatch.setattr(port.recorder, "_append", lambda _sample: True)
    answer = port.post({"metrics": {"a": 1}})
    assert (answer.status_code, answer.json()["recorded"]) == (503, None)
    assert "it may still be" in answer.json()["error"]


def test_push_from_many_at_once_gives_each_reading_one_number(port: Port):
    answers: list[int] = []

    def push(number: int) -> None:
        while (answer := _posted(port, number)) is None:  # dropped: too many at once
            continue
        answers.append(answer["sequence_no"])

    threads = [threading.Thread(target=push, args=(number,)) for number in range(40)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert sorted(answers) == list(range(1, 41))
    assert sorted(row["a"] for row in port.held()) == list(range(40))


def _posted(port: Port, number: int) -> dict[str, Any] | None:
    try:
        return port.post({"metrics": {"a": number}}).json()
    except httpx.TransportError:
        return None


@pytest.fixture
def opened() -> Iterator[Callable[[int], socket.socket]]:
    held: list[socket.socket] = []

    def connect(number: int) -> socket.socket:
        held.append(socket.create_connection(("127.0.0.1", number), 5))
        return held[-1]

    yield connect
    for one in held:
        one.close()


def test_push_port_drops_what_is_beyond_its_connections_and_takes_more_when_they_end(
    port: Port, opened: Callable[[int], socket.socket]
):
    silent = [opened(port.source.port) for _ in range(push_server.MOST_CONNECTIONS)]
    until(lambda: port.source._server._free._value == 0, within_s=5, what="all places are taken")  # type: ignore[attr-defined]
    beyond = opened(port.source.port)
    assert beyond.recv(1) == b"", "it is closed at once"
    for one in silent:
        one.close()
    until(lambda: _posted(port, 1), within_s=5, what="there is place again")


def test_push_that_dribbles_is_ended_in_time(tmp_path: Path, opened: Callable[[int], socket.socket]):
    server = push_server.PushServer(0, "k" * 20, lambda _body: pytest.fail("nothing is whole"), most_s=0.2)
    try:
        slow = opened(server.server_port)
        slow.settimeout(2)  # less than the server waits for a client that says nothing
        slow.sendall(b"POST /readings HTTP/1.1\r\nHost: localhost\r\n")
        assert slow.recv(1) == b"", "it is ended although it has not said all"
    finally:
        server.stop()


@pytest.mark.parametrize(("owner", "name"), [(ThreadingMixIn, "process_request"), (threading.Timer, "start")])
def test_push_serves_again_after_there_were_no_threads_for_a_while(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str
):
    def fail(*_arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    server = push_server.PushServer(0, "key", lambda _body: push_server.Answer(HTTPStatus.CREATED))
    port = server.server_address[1]
    try:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            for _ in range(push_server.MOST_CONNECTIONS):
                with pytest.raises(httpx.HTTPError):
                    httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
        until(lambda: is_served(port), within_s=5, what="it serves again")
    finally:
        server.stop()


def is_served(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == HTTPStatus.UNAUTHORIZED
    except httpx.HTTPError:
        return False
