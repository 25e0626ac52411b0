"""Commands: at most once, never late, never retained, always answered. Failure cases 38 and 39."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pulse_acl.payloads import format_time
from pulse_acl.topics import Topic
from support.sync_bench import SyncBench

ID = "018f0000-0000-7000-8000-0000000000c1"
SYNC, CONFIG, RELOAD = Topic.COMMAND_FORCE_SYNC, Topic.COMMAND_UPDATE_CONFIG, Topic.COMMAND_RELOAD


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    made = SyncBench(tmp_path)
    made.connect()
    made.told.clear()
    yield made
    made.close()


def command(bench: SyncBench, name: str = "FORCE_SYNC", *, lasts_s: float = 60, command_id: str = ID) -> bytes:
    now = bench.clock.now()
    fields = {"command_id": command_id, "command": name, "args": {}, "issued_by": "user:ann"}
    until = now + timedelta(seconds=lasts_s)
    return json.dumps({**fields, "issued_at": format_time(now), "expires_at": format_time(until)}).encode()


def results(bench: SyncBench) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in bench.channel.take("/result")]


def done(bench: SyncBench) -> list[str]:
    return [what for what, _ in bench.told if what in {"flush", "reload"}]


def test_command_force_sync_flushes_asks_and_is_done(bench: SyncBench):
    bench.desk.received(SYNC, command(bench), is_retained=False)
    (result,) = results(bench)
    assert (result["command_id"], result["command"], result["status"]) == (ID, "FORCE_SYNC", "DONE")
    assert done(bench) == ["flush"]
    assert len(bench.requests()) == 1


def test_command_reload_reads_the_settings_and_begins_the_sources_anew(bench: SyncBench):
    bench.desk.received(RELOAD, command(bench, "RELOAD"), is_retained=False)
    assert [what for what, _ in bench.told] == ["settings", "reload"]
    assert results(bench)[0]["status"] == "DONE"


def test_command_update_config_is_done_when_the_server_has_answered(bench: SyncBench):
    bench.desk.received(CONFIG, command(bench, "UPDATE_CONFIG"), is_retained=False)
    bench.desk.tick()
    assert results(bench) == []
    bench.answer_all()
    bench.desk.tick()
    assert [result["status"] for result in results(bench)] == ["DONE"]
    assert ("settings", None) in bench.told


def test_command_update_config_without_an_answer_fails(bench: SyncBench):
    bench.desk.received(CONFIG, command(bench, "UPDATE_CONFIG"), is_retained=False)
    bench.clock.advance(10)
    bench.desk.tick()
    assert [result["status"] for result in results(bench)] == ["FAILED"]


def test_command_delivered_again_is_not_carried_out_again_and_gets_the_same_answer_case_38(bench: SyncBench):
    for _ in range(2):
        bench.desk.received(SYNC, command(bench), is_retained=False)
    bench.desk.received(SYNC, command(bench, command_id=ID.upper()), is_retained=False)
    bench.die()
    bench.connect()
    bench.desk.received(SYNC, command(bench), is_retained=False)
    assert done(bench) == ["flush"]
    assert {result["status"] for result in results(bench)} == {"DONE"}


def test_command_retained_is_rejected_and_stays_so_case_38(bench: SyncBench):
    bench.desk.received(SYNC, command(bench), is_retained=True)
    bench.desk.received(SYNC, command(bench), is_retained=False)
    assert [result["status"] for result in results(bench)] == ["REJECTED", "REJECTED"]
    assert done(bench) == []


def test_command_on_the_topic_of_another_is_rejected(bench: SyncBench):
    bench.desk.received(RELOAD, command(bench, "FORCE_SYNC"), is_retained=False)
    assert [result["status"] for result in results(bench)] == ["REJECTED"]
    assert done(bench) == []


@pytest.mark.parametrize(
    "payload",
    [b"{", b"[]", b'{"command_id": "x"}', b'{"command_id": "%s", "command": "FORMAT_DISK"}' % ID.encode(), b"\xff"],
)
def test_command_that_breaks_the_contract_does_nothing_and_is_answered_if_it_can_be_named(
    bench: SyncBench, payload: bytes
):
    bench.desk.received(SYNC, payload, is_retained=False)
    assert [result["status"] for result in results(bench)] == ["REJECTED"] * (ID.encode() in payload)
    assert done(bench) == []


def test_command_is_void_after_its_time_on_the_servers_scale_case_39(bench: SyncBench):
    bench.engine.link_down()
    bench.connect(offset_ms=-3_600_000)  # this machine is an hour ahead of the server
    bench.desk.received(SYNC, command(bench, lasts_s=-1800), is_retained=False)
    bench.desk.received(SYNC, command(bench, lasts_s=-3601, command_id=ID.replace("c1", "c2")), is_retained=False)
    assert [result["status"] for result in results(bench)] == ["DONE", "EXPIRED"]


def test_command_that_waited_for_an_absent_device_is_expired_case_39(bench: SyncBench):
    waiting = command(bench, lasts_s=60)
    bench.clock.advance(61)
    bench.desk.received(SYNC, waiting, is_retained=False)
    assert [result["status"] for result in results(bench)] == ["EXPIRED"]


def test_command_interrupted_by_the_end_of_the_process_is_failed(bench: SyncBench):
    bench.desk.received(CONFIG, command(bench, "UPDATE_CONFIG"), is_retained=False)
    bench.die()
    bench.connect()
    (result,) = results(bench)
    assert (result["status"], result["message"]) == ("FAILED", "It was interrupted.")


def test_command_result_is_told_again_until_the_broker_has_it_case_39(bench: SyncBench):
    bench.desk.received(SYNC, command(bench), is_retained=False)
    bench.die()
    bench.link_up()
    number = next(n for n, (topic, _) in enumerate(bench.channel.sent, 1) if topic.endswith("/result"))
    bench.desk.acknowledged(number)
    bench.desk.link_down()
    bench.channel.sent.clear()
    bench.link_up()
    assert results(bench) == []


def test_command_that_fails_says_so(bench: SyncBench, monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise OSError("no disk")

    monkeypatch.setattr(bench.desk, "_ask", broken)
    bench.desk.received(SYNC, command(bench), is_retained=False)
    (result,) = results(bench)
    assert (result["status"], result["message"]) == ("FAILED", "no disk")
