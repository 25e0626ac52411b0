"""The ingest worker on MQTT 5 with shared subscriptions and acknowledgement after COMMIT, behind mosquitto."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import asyncpg
import httpx
import pytest

from support.database import Database
from support.ingest import STREAM, account, archived, bad, reading
from support.ingest_bench import SHARED_GROUP
from support.mosquitto_bench import MosquittoBench, mosquitto_bench
from support.waiting import eventually

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Conn]:
    conn = await asyncpg.connect(database.dsn("auth"))
    yield conn
    await conn.close()


@pytest.fixture
async def bench(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MosquittoBench]:
    """The broker lets so many messages be in flight as the test asks, else 1,000; nothing is started yet."""
    window = getattr(request, "param", 1_000)
    with tempfile.TemporaryDirectory(prefix="pulse-gate-") as folder:
        async with mosquitto_bench(tmp_path, database, Path(folder), window=window) as made:
            yield made


async def all_are_acknowledged(bench: MosquittoBench, *topics: str) -> None:
    await eventually(
        lambda: all(bench.unacknowledged(topic) == 0 for topic in topics), what=f"all of {topics} is acknowledged"
    )


async def next_status_is_acknowledged(bench: MosquittoBench) -> None:
    """Wait for proof that the worker acknowledges still: it hears its own statuses all the while."""
    topic = "system/ingest/1/status"
    heard = bench.acknowledged(topic)
    await eventually(lambda: bench.acknowledged(topic) > heard, what="the worker acknowledges its next status")


async def test_shared_subscription_readings_are_archived_and_receipted(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.live(1, metrics={"a": 1, "big": 2**63 - 1})
        await device.buffered([reading(2), bad(3), reading(4)], [[5, 7]])
        await device.told({1, 2, 4})
        assert (list(device.rejected), device.lost) == ([3], {5, 6, 7})
    assert await archived(owner) == [1, 2, 4]
    assert (await account(owner))["settled"] == [(1, 7)]
    log = bench.broker.log.read_text()
    assert "as svc:ingest:1 (p5, c1," in log, "MQTT 5 with clean start"
    assert f"$share/{SHARED_GROUP}/telemetry/+/live" in log


async def test_puback_is_sent_after_commit_and_not_before_case_10(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.live(1)
        await device.told({1})
        await all_are_acknowledged(bench, "telemetry/")
        await bench.gate.shut()
        await bench.worker_says("database", "away")
        for number in range(2, 22):
            await device.live(number)
        await eventually(lambda: bench.handed_out() == 21, what="all is handed to the worker")
        await next_status_is_acknowledged(bench)  # so telemetry is held back
        assert bench.unacknowledged("telemetry/") == 20
        assert device.archived == {1}
        await bench.gate.open()
        await device.told(set(range(1, 22)))
        await all_are_acknowledged(bench, "telemetry/")
    assert await archived(owner) == list(range(1, 22))


async def test_kill_nine_in_the_middle_loses_and_doubles_nothing_L1(bench: MosquittoBench, owner: Conn) -> None:  # noqa: N802
    await bench.start()
    numbers = set(range(1, 601))
    async with bench.device() as device:
        for start in (1, 201, 401):
            for number in range(start, start + 200):
                await device.live(number)
            bench.worker.kill9()
            bench.worker.start()
        await device.resent_until_told(numbers)
    assert await archived(owner) == sorted(numbers)
    found = await account(owner)
    assert (found["settled"], found["archived_count"]) == ([(1, 600)], 600)


async def test_two_workers_share_one_load_without_doubles(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    await bench.start_other()
    async with bench.device("D1") as first, bench.device("D2") as second:
        for number in range(1, 301):
            await first.live(number)
            await second.live(number)
        await first.told(set(range(1, 301)))
        await second.told(set(range(1, 301)))
    assert await archived(owner, "D1") == await archived(owner, "D2") == list(range(1, 301))
    shares = [bench.handed_out(instance, "telemetry/D") for instance in ("1", "2")]
    assert sum(shares) == 600, "each message goes to one worker"
    assert min(shares) > 0, "both take part"
    assert (await account(owner, "D1"))["duplicate_count"] == 0


async def test_reader_in_a_group_of_the_services_name_takes_nothing_away(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    async with bench.client(bench.mint.user("watcher")) as reader, bench.device() as device:
        await reader.subscribe("$share/ingest/telemetry/+/live")
        for number in range(1, 21):
            await device.live(number)
        await device.told(set(range(1, 21)))
    assert await archived(owner) == list(range(1, 21))
    assert bench.handed_out("1") == 20


async def test_killed_worker_leaves_the_load_to_the_other(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    await bench.start_other()
    numbers = set(range(1, 401))
    async with bench.device() as device:
        for number in range(1, 201):
            await device.live(number)
        bench.other.kill9()
        for number in range(201, 401):
            await device.live(number)
        await device.resent_until_told(numbers)
    assert await archived(owner) == sorted(numbers)
    assert (await account(owner))["archived_count"] == 400


@pytest.mark.parametrize("bench", [20], indirect=True)
async def test_receipts_keep_to_the_brokers_receive_maximum(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    names = [f"D{number}" for number in range(1, 101)]
    async with bench.device("publisher") as device:
        await bench.gate.shut()
        await bench.worker_says("database", "away")
        for name in names:
            device.client_id = name
            await device.live(1)
        await bench.gate.open()
        await _all_archived(owner, len(names))
    assert bench.worker.running, bench.worker.tail()
    assert "Traceback" not in bench.worker.log.read_text()
    await _metric_shows(bench, f"pulse_ingest_receipts_total {len(names)}.0")


async def _metric_shows(bench: MosquittoBench, words: str) -> None:
    key = (bench.home / "services" / "ingest" / "metrics-key").read_text().strip()
    address = f"http://127.0.0.1:{bench.metrics_port}/metrics"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:

        async def shows() -> bool:
            return words in (await client.get(address)).text

        await eventually(shows, what=f"the metrics show {words!r}", every_s=0.05)


async def _all_archived(owner: Conn, count: int) -> None:
    enough = "SELECT count(*) >= $1 FROM telemetry_data"
    await eventually(lambda: owner.fetchval(enough, count), 20, what=f"{count} readings in the archive")


async def test_sigterm_answers_what_it_holds_and_acknowledges_nothing_else(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        for number in range(1, 301):
            await device.live(number)
        assert await asyncio.to_thread(bench.worker.stop) == 0
        in_archive = set(await archived(owner))
        await device.told(in_archive)
        assert device.archived == in_archive
        assert bench.acknowledged("telemetry/") <= len(in_archive)
    assert "Traceback" not in bench.worker.log.read_text()


async def test_killed_worker_what_it_held_unacknowledged_is_archived_once_when_sent_again(
    bench: MosquittoBench, owner: Conn
) -> None:
    await bench.start()
    await bench.start_other()
    numbers = set(range(1, 41))
    async with bench.device() as device:
        await bench.gate.shut()
        await bench.worker_says("database", "away")
        for number in sorted(numbers):
            await device.live(number)
        await eventually(lambda: bench.handed_out("1") + bench.handed_out("2") == 40, what="all is handed out")
        assert bench.unacknowledged("telemetry/", "2") > 0
        bench.other.kill9()
        await bench.gate.open()
        # mosquitto 2 gives up what a killed subscriber of a share held; that is why devices wait for receipts.
        await device.resent_until_told(numbers)
    assert await archived(owner) == sorted(numbers)
    assert (await account(owner))["archived_count"] == 40


async def test_refused_receipt_is_an_alarm_by_its_reason_and_stops_nothing_case_9(
    bench: MosquittoBench, owner: Conn
) -> None:
    bench.forbid_receipts()
    await bench.start()
    async with bench.device() as device:
        await device.live(1)
        await device.live(2)
        await _all_archived(owner, 2)
        await _metric_shows(bench, 'pulse_ingest_publications_refused_total{reason="135"} ')
        status = await bench.worker_says("publications", "refused by the broker, reason code 135")
        assert (status["status"], status["checks"]["database"]) == ("DEGRADED", "ok")
        assert device.receipts == []
    assert "link.publication_refused" in bench.worker.log.read_text()
    assert bench.worker.running


async def test_receipt_for_a_device_that_has_gone_is_counted_as_unheard_and_no_alarm_case_9(
    bench: MosquittoBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.client(bench.mint.user("watcher")) as gone:  # nobody is subscribed to what D1 is told
        payload = {"client_id": "D1", "stream": str(STREAM), **reading(1)}
        await gone.publish("telemetry/D1/live", json.dumps(payload))
        await _all_archived(owner, 1)
    await _metric_shows(bench, "pulse_ingest_publications_unheard_total 1.0")
    said = await bench.worker_says("publications", "ok")
    assert said["checks"]["publications"] == "ok"


async def test_command_of_the_audit_is_acknowledged_after_its_commit_case_10(
    bench: MosquittoBench, owner: Conn
) -> None:
    await bench.start()
    record = {"username": "user:a", "client_id": "web:1", "topic": "command/D1/reload", "payload": "{}"}
    beat = {"client_id": "D1", "status": "ONLINE", "timestamp": "2026-02-07T10:00:00.000Z"}
    async with bench.client(bench.mint.user("watcher")) as rule_engine:
        await bench.gate.shut()
        await bench.worker_says("database", "away")
        await rule_engine.publish("audit/command", json.dumps({**record, "at": "2026-02-07T10:00:00.000Z"}))
        await rule_engine.publish("heartbeat/D1", json.dumps(beat))
        for topic in ("audit/command", "heartbeat/"):
            await eventually(lambda t=topic: bench.handed_out("1", t) == 1, what=f"{topic} is handed to the worker")
        await next_status_is_acknowledged(bench)  # so these two are held back
        assert (bench.unacknowledged("audit/command"), bench.unacknowledged("heartbeat/")) == (1, 1)
        await bench.gate.open()
        await all_are_acknowledged(bench, "audit/command", "heartbeat/")
    assert [row[0] for row in await owner.fetch("SELECT actor FROM audit_log")] == ["user:a"]


async def test_message_that_breaks_the_contract_is_acknowledged_once_it_is_recorded_case_11(
    bench: MosquittoBench, owner: Conn
) -> None:
    await bench.start()
    topics = ("telemetry/D1/live", "telemetry/D1/buffered", "heartbeat/D1", "audit/command", "command/D1/result")
    async with bench.device() as device:
        for _ in range(210):  # more in all than may be unacknowledged at once
            for topic in topics:
                await device.publish(topic, b"no json")
        await device.live(1)
        await device.told({1})
        await all_are_acknowledged(bench, *topics)
    assert await owner.fetchval("SELECT count(*) FROM telemetry_rejects") == 210 * len(topics)


async def test_worker_started_twice_gives_way_with_one_sentence_case_40(bench: MosquittoBench, owner: Conn) -> None:
    await bench.start()
    bench.other.variables |= {name: bench.variables[name] for name in ("PULSE_API_URL",)} | {"PULSE_INSTANCE": "1"}
    bench.other.start()
    await eventually(lambda: not bench.other.running, 45, what="the second worker ends")
    assert "Another worker with the same PULSE_INSTANCE" in bench.other.tail(1)
    assert bench.worker.running
    async with bench.device() as device:
        await device.live(1)
        await device.told({1})
    assert await archived(owner) == [1]
