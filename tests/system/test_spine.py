"""
The whole system, from the sensor to the archive, with real processes and real faults.

Each test states one promise of the project; what happens in the browser is in ``tests/browser``.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from support.accounts import integrity, repeated_values
from support.stack import Stack, running_stack
from support.waiting import until
from support.watcher import Watcher


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(variables={"PULSE_DEVICE_INTERVAL": "0.2"}) as made:
        yield made


@pytest.fixture(scope="module")
def device_id(stack: Stack) -> str:
    return until(lambda: first_device(stack), within_s=60, what="the first device is enrolled and seen")


def first_device(stack: Stack) -> str | None:
    items = stack.admin.get("/devices").json()["items"]
    return items[0]["client_id"] if items and items[0]["heartbeat"] else None


def is_settled(stack: Stack, device_id: str) -> bool:
    account = integrity(stack, device_id)
    return account["archived"] > 0 and account["missing"] == 0 and account["on_device"] <= 5


def live_count(watcher: Watcher) -> int:
    return len(watcher.messages("telemetry/"))


def test_first_start_reaches_a_live_and_archived_reading(stack: Stack, device_id: str):
    with Watcher(stack, ["telemetry/+/live", "heartbeat/+"]) as watcher:
        until(lambda: live_count(watcher) >= 3, within_s=30, what="live readings arrive")
        topic, reading, retained = watcher.messages("telemetry/")[0]
    assert topic == f"telemetry/{device_id}/live"
    assert not retained
    assert {type(value) for value in reading["metrics"].values()} == {int, float, bool}
    until(lambda: is_settled(stack, device_id), within_s=30, what="the archive has what was produced")


def test_worker_killed_for_30_s_loses_and_repeats_nothing(stack: Stack, device_id: str):
    with Watcher(stack, ["telemetry/+/live", "telemetry/+/buffered"]) as watcher:
        until(lambda: live_count(watcher) >= 1, within_s=30, what="live readings arrive")
        stack["ingest"].kill9()
        killed = time.monotonic()
        before = live_count(watcher)
        until(lambda: time.monotonic() - killed > 30, within_s=40, what="30 s without a worker", every_s=0.5)
        during = [topic for topic, _, _ in watcher.messages()[before:] if topic.endswith("/live")]
        assert len(during) > 50, "live values go on while the archive is away"
        stack["ingest"].start()
        until(lambda: is_settled(stack, device_id), within_s=60, what="the backlog is archived")
    account = integrity(stack, device_id)
    assert account["missing"] == 0
    assert account["rejected"] == account["declared_lost"] == 0
    assert repeated_values(stack) == 0


def test_broker_restarted_everybody_is_back_within_10_s(stack: Stack, device_id: str):
    until(lambda: is_settled(stack, device_id), within_s=60, what="nothing is held before")
    assert stack["broker"].stop() == 0
    stack["broker"].start()
    watcher = until(lambda: try_watching(stack), within_s=10, what="the broker takes connections")
    with watcher:
        until(lambda: live_count(watcher) >= 1, within_s=10, what="the device is back")
    until(lambda: is_settled(stack, device_id), within_s=10, what="the worker is back and has caught up")
    assert repeated_values(stack) == 0


def test_device_killed_resends_and_repeats_nothing(stack: Stack, device_id: str):
    for _ in range(3):
        produced = integrity(stack, device_id)["produced"]
        stack["device"].kill9()
        stack["device"].start()
        until(
            lambda produced=produced: integrity(stack, device_id)["produced"] > produced,
            within_s=30,
            what="the device produces again",
        )
    until(lambda: is_settled(stack, device_id), within_s=30, what="everything is archived")
    assert repeated_values(stack) == 0


def test_link_cut_buffers_and_flushes_in_order(stack: Stack, device_id: str):
    from pulse_local import link

    control = stack.home / "run" / "link.sock"
    assert link.ask(control, "cut") == "cut"
    seen = f"/devices/{device_id}"
    until(lambda: stack.admin.get(seen).json()["status"] == "OFFLINE", within_s=30, what="it is seen as offline")
    with Watcher(stack, ["telemetry/+/live", "telemetry/+/buffered"]) as watcher:
        assert link.ask(control, "mend") == "joined"
        until(lambda: watcher.messages(f"telemetry/{device_id}/buffered"), within_s=40, what="the backlog is flushed")
        until(lambda: watcher.messages(f"telemetry/{device_id}/live"), within_s=40, what="live readings resume")
        kinds = [topic.rpartition("/")[2] for topic, _, _ in watcher.messages()]
        streams: dict[str, list[int]] = {}
        for _, batch, _ in watcher.messages(f"telemetry/{device_id}/buffered"):
            streams.setdefault(batch["stream"], []).extend(one["sequence_no"] for one in batch["readings"])
    assert kinds[0] == "buffered", "the backlog goes before live resumes"
    assert all(numbers == sorted(numbers) for numbers in streams.values()), "ascending within each stream"
    until(lambda: is_settled(stack, device_id), within_s=30, what="everything is archived")
    assert repeated_values(stack) == 0


def test_stopped_in_any_order_ends_cleanly_and_loses_nothing(stack: Stack, device_id: str):
    for name in ("device", "ingest"):
        assert stack[name].stop(number=signal.SIGTERM) == 0
    stack.start("ingest", "device")
    until(lambda: is_settled(stack, device_id), within_s=40, what="everything is archived")
    assert repeated_values(stack) == 0


def try_watching(stack: Stack) -> Watcher | None:
    try:
        return Watcher(stack, ["telemetry/+/live"])
    except OSError:
        return None
