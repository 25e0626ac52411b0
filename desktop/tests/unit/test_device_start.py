"""A device that cannot be started in full runs in no part, and its folder is there for the next start."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_desktop.core.device import Device, Parts
from pulse_desktop.core.errors import Link, LinkError
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.link import Token
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.sources.plan import single
from support.sync_bench import SyncBench
from support.waiting import until

OURS = {"outbox", "courier", "sync", "link", "sampler", "source"}


class NoTokens:
    """A server that is away."""

    def fetch(self) -> Token:
        raise LinkError(Link.NO_NETWORK, "nobody is there")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    (tmp_path / "bench").mkdir()
    made = SyncBench(tmp_path / "bench")
    yield made
    made.close()


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & OURS


@pytest.mark.parametrize("failing", ["courier", "sync", "link", "sampler"])
def test_device_of_which_a_part_does_not_start_leaves_none_running_and_starts_later(
    tmp_path: Path, bench: SyncBench, monkeypatch: pytest.MonkeyPatch, failing: str
):
    def device() -> Device:
        folder = DeviceFolder("D1", tmp_path)
        source = single("simulator", seed=1)
        return Device(Parts(folder, DeviceSettings(), NoTokens(), source, sync_keys=bench.keys))

    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == failing:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            device().start()
    assert running() == set()
    assert not (tmp_path / "outbox.db-wal").exists(), "the file is closed in order"
    again = device()
    again.start()
    try:
        until(lambda: again.outbox.state.held > 0, within_s=10, what="it records")
    finally:
        again.stop()
    assert running() == set()
