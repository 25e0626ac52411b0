"""One run of a device: its folder stays locked as long as anything of it may run."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pulse_desktop import program
from pulse_desktop import session as module
from pulse_desktop.core.errors import StorageError
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.identity import store
from pulse_desktop.core.lock import running_process
from pulse_desktop.core.settings import FixedSetting
from pulse_desktop.core.sources.plan import single
from pulse_desktop.session import Session, SessionPlan
from pulse_runtime.environment import Environment


class SlowOutbox:
    """Is closed when it is let."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.closed.set()

    @property
    def is_running(self) -> bool:
        return not self.closed.is_set()

    def wait_closed(self) -> None:
        self.closed.wait()


class SlowDevice:
    """Starts when it is let; notes what was done with it."""

    def __init__(self, _parts: object) -> None:
        self.outbox = SlowOutbox()
        self.is_starting, self.may_start = threading.Event(), threading.Event()
        self.done: list[str] = []

    def start(self) -> None:
        self.is_starting.set()
        assert self.may_start.wait(20)
        self.done.append("started")

    def stop(self) -> None:
        self.done.append("stopped")

    def flush(self) -> None:
        """Nothing is held."""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    return made(tmp_path, monkeypatch, ca_pem="")


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca_pem: str) -> Session:
    monkeypatch.setattr(module, "Device", SlowDevice)
    identity = store.Identity(
        client_id="D1", api_url="http://127.0.0.1:1", mqtts_url="mqtt://127.0.0.1:1", ca_pem=ca_pem,
        signing_key="s.pem", encryption_key="e.pem", enrolled_at="2026-01-01T00:00:00.000Z",
    )  # fmt: skip
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    store.save(tmp_path, identity, pem, pem)
    return Session(SessionPlan(Environment({}), DeviceFolder("D1", tmp_path), None, single("simulator")))


def test_session_closed_during_a_slow_start_waits_for_it_and_stops_the_device(session: Session):
    device = session.device
    starting = threading.Thread(target=session.start)
    starting.start()
    assert device.is_starting.wait(20)
    closing = threading.Thread(target=session.close)
    closing.start()
    closing.join(0.3)
    assert closing.is_alive(), "the folder is still used"
    assert running_process(session.folder.path) is not None
    device.may_start.set()
    starting.join(20)
    closing.join(20)
    assert device.done == ["started", "stopped"]
    assert running_process(session.folder.path) is None


def test_session_closed_while_the_disk_stands_still_keeps_the_folder_until_all_is_written(session: Session):
    session.device.may_start.set()
    session.start()
    session.device.outbox.closed.clear()
    session.close()
    assert session.device.done == ["started", "stopped"]
    assert running_process(session.folder.path) is not None, "else a new run writes beside the old one"
    threading.Timer(0.1, session.device.outbox.closed.set).start()
    session.wait_released()
    assert running_process(session.folder.path) is None, "and then the same program can start it anew"


def test_session_that_is_closed_starts_nothing_any_more(session: Session):
    session.close()
    session.device.may_start.set()
    with pytest.raises(StorageError, match="closed"):
        session.start()
    assert session.device.done == []


@pytest.mark.parametrize("count", [1, 2])
def test_session_of_a_device_that_trusts_several_authorities_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int
):
    one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    made(tmp_path, monkeypatch, ca_pem=one * count).close()
    assert ("desktop.several_authorities_trusted" in capsys.readouterr().out) is (count > 1)


@pytest.mark.parametrize("failing", ["start", "watch"])
def test_session_without_a_window_is_closed_whatever_ends_it(
    session: Session, monkeypatch: pytest.MonkeyPatch, failing: str
):
    def fail(*_arguments: object) -> None:
        raise RuntimeError("an error that nobody has thought of")

    session.device.may_start.set()
    monkeypatch.setattr(session.device, failing, fail, raising=False)
    monkeypatch.setattr(program, "Session", lambda _plan: session)
    monkeypatch.setattr(program, "_plan", lambda *_: None)
    monkeypatch.setattr(program.signal, "signal", lambda *_: None)
    with pytest.raises(RuntimeError):
        program._run(Environment({}), argparse.Namespace())
    assert running_process(session.folder.path) is None


@pytest.mark.parametrize(
    ("interval", "variables", "fixed"),
    [
        ("0.5", {"PULSE_DEVICE_INTERVAL": "2"}, ("0.5", "--interval")),
        (None, {"PULSE_DEVICE_INTERVAL": "2"}, ("2", "PULSE_DEVICE_INTERVAL")),
        (None, {}, None),
    ],
)
def test_session_plan_knows_what_has_fixed_the_interval(
    tmp_path: Path, interval: str | None, variables: dict[str, str], fixed: tuple[str, str] | None
):
    plan = SessionPlan(Environment(variables), DeviceFolder("D1", tmp_path), interval, single("simulator"))
    assert plan.local == ({} if fixed is None else {"sampling_interval": FixedSetting(*fixed)})
