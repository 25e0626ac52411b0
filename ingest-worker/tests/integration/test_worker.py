"""The worker as a process, between a real broker and a real PostgreSQL, with what happens to both."""

import asyncio
import json
import signal
import stat
from typing import TypeAlias
from uuid import UUID

import asyncpg
import httpx

from support.ingest import STREAM, account, archived, bad, reading
from support.ingest_bench import IngestBench
from support.processes import program
from support.waiting import eventually

FIGURES = (  # rates come of the counters
    "pulse_ingest_archived_readings_total",
    "pulse_ingest_duplicate_readings_total",
    "pulse_ingest_rejects_total",
    "pulse_ingest_batch_readings_sum",
    "pulse_ingest_recorded_to_archived_seconds_sum",
    "pulse_ingest_received_to_archived_seconds_sum",
    "pulse_ingest_oldest_waiting_seconds",
    "pulse_ingest_held_bytes",
    "process_resident_memory_bytes",
)
Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def test_worker_live_and_buffered_readings_are_archived_and_receipted(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.live(1, metrics={"a": 1, "big": 2**63 - 1})
        await device.buffered([reading(2), bad(3), reading(4)], [[5, 7]])
        await device.told({1, 2, 4})
        assert list(device.rejected) == [3]
        assert device.lost == {5, 6, 7}
    assert await archived(owner) == [1, 2, 4]
    assert await owner.fetchval("SELECT metric_long FROM telemetry_latest WHERE metric_key = 'big'") == 2**63 - 1
    assert (await account(owner))["settled"] == [(1, 7)]


async def test_worker_hostile_messages_are_recorded_and_harm_nobody_L6(bench: IngestBench, owner: Conn) -> None:  # noqa: N802
    await bench.start()
    async with bench.device() as device:
        for payload in (b"", b"\x00\xff", b"[" * 50_000, b"{}", b'{"client_id": "D2"}'):
            await device.publish("telemetry/D1/live", payload)
        await device.buffered([reading(n) for n in range(1, 1002)])
        await device.publish("heartbeat/D1", {"client_id": "D1", "status": "ASLEEP"})
        await device.live(1)
        await device.told({1})
    rows = await owner.fetch("SELECT client_id, sequence_no, topic FROM telemetry_rejects")
    assert len(rows) == 7
    assert {(row["client_id"], row["sequence_no"]) for row in rows} == {("D1", None)}
    assert await archived(owner) == [1]


async def test_worker_killed_at_any_moment_loses_and_doubles_nothing_L1_case_10(  # noqa: N802
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    numbers = set(range(1, 601))
    async with bench.device() as device:
        for round_no in range(3):
            for number in range(round_no * 200 + 1, round_no * 200 + 201):
                await device.live(number)
            bench.worker.kill9()
            bench.worker.start()
        await device.resent_until_told(numbers)
    assert await archived(owner) == sorted(numbers)
    found = await account(owner)
    assert (found["settled"], found["archived_count"], found["produced"]) == ([(1, 600)], 600, 600)


async def test_worker_terminated_commits_and_answers_what_it_holds(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        await asyncio.gather(*(device.live(number) for number in range(1, 2)))
        for number in range(2, 301):
            await device.live(number)
        assert await asyncio.to_thread(bench.worker.stop) == 0
        in_archive = await archived(owner)
        await device.told(set(in_archive))
        assert device.archived == set(in_archive), "a receipt named what is not in the archive"
    assert in_archive == list(range(1, len(in_archive) + 1))
    status = await bench.worker_says("none", "OFFLINE")
    assert status["started_at"], "the worker's own last word, not its will"


async def test_worker_killed_its_will_says_offline(bench: IngestBench) -> None:
    await bench.start()
    bench.worker.kill9()
    status = await bench.worker_says("none", "OFFLINE")
    assert status == {"service": "ingest", "instance": "1", "status": "OFFLINE"}


async def test_worker_broker_restarted_is_back_within_ten_seconds(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    bench.broker.kill9()
    await bench.start_broker()
    await bench.worker_says("database", "ok", within_s=10)
    async with bench.device() as device:
        await device.live(1)
        await device.told({1})
    assert await archived(owner) == [1]


async def test_worker_database_gone_receipts_nothing_and_recovers_by_itself_L4_case_6(  # noqa: N802
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.live(1)
        await device.told({1})
        await bench.gate.shut()
        for number in range(2, 50):
            await device.live(number)
        status = await bench.worker_says("database", "away")
        assert status["status"] == "DEGRADED"
        assert device.archived == {1}
        await bench.gate.open()
        await device.told(set(range(1, 50)))
        await bench.worker_says("database", "ok")
    assert await archived(owner) == list(range(1, 50))


async def test_worker_started_before_everything_else_waits_for_it(bench: IngestBench) -> None:
    await bench.gate.shut()
    bench.tokens.away = True
    bench.worker.start()
    await eventually(lambda: "link.token_unavailable" in bench.worker.tail(), what="it asks for a token in vain")
    bench.tokens.away = False
    await eventually(lambda: "link.lost" in bench.worker.tail(), what="it knocks at the broker in vain")
    await bench.start_broker()
    await bench.worker_says("database", "away")
    await bench.gate.open()
    await bench.worker_says("database", "ok")
    assert bench.worker.running


async def test_worker_token_renewed_at_half_its_life_without_loss_case_31(bench: IngestBench, owner: Conn) -> None:
    bench.tokens.life_s = 1.0
    await bench.start()
    async with bench.device() as device:
        number = 0
        while bench.tokens.given < 4:
            number += 1
            await device.live(number)
        bench.tokens.life_s = 3_600.0
        # What came between two connections waits in the session; nothing is sent again here.
        await device.told(set(range(1, number + 1)))
    assert await archived(owner) == list(range(1, number + 1))


async def test_worker_heartbeat_with_what_is_no_time_is_recorded_by_its_reason_and_the_next_is_noted(
    bench: IngestBench, owner: Conn
) -> None:
    beat = {"client_id": "D1", "status": "ONLINE", "timestamp": "2026-02-07T12:00:00.000Z"}
    await bench.start()
    async with bench.device() as device:
        await device.publish("heartbeat/D1", beat | {"kept_since": "2026-99-99T99:99:99Z"})
        told = await eventually(
            lambda: owner.fetchrow("SELECT client_id, reason FROM telemetry_rejects"), what="the heartbeat is recorded"
        )
        assert tuple(told) == ("D1", "kept_since: not an RFC 3339 time")
        assert await owner.fetchval("SELECT count(*) FROM device_presence") == 0
        await device.publish("heartbeat/D1", beat | {"kept_since": "2026-02-07T12:00:00+20:00"})
        kept = await eventually(
            lambda: owner.fetchval("SELECT heartbeat ->> 'kept_since' FROM device_presence"), what="the next is noted"
        )
        assert kept == "2026-02-06T16:00:00.000Z"
    assert "link.message_failed" not in bench.worker.tail(200)


async def test_worker_heartbeats_and_commands_are_noted(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    beat = {
        "client_id": "D1",
        "status": "SYNCING",
        "timestamp": "2026-02-07T10:00:00.000Z",
        "stream": str(STREAM),
        "last_sequence_no": 42,
        "pending": 7,
        "latest": {"big": 2**63 - 1},
    }
    async with bench.device() as device, bench.client(bench.mint.user("admin")) as person:
        await device.publish("heartbeat/D1", beat, retain=True)
        presence = await eventually(
            lambda: owner.fetchrow("SELECT * FROM device_presence"), what="the heartbeat is noted"
        )
        assert (presence["client_id"], presence["status"]) == ("D1", "SYNCING")
        assert json.loads(presence["heartbeat"])["latest"] == {"big": 2**63 - 1}
        assert (await account(owner))["produced"] == 42
        await device.publish("heartbeat/D1", {"client_id": "D1", "status": "OFFLINE"}, retain=True)
        gone = "SELECT * FROM device_presence WHERE status = 'OFFLINE'"
        left = await eventually(lambda: owner.fetchrow(gone), what="the last will is noted")
        assert (left["heartbeat"], left["received_at"]) == (presence["heartbeat"], presence["received_at"])
        await person.publish("command/D1/force_sync", "{}")
        result = {"command_id": str(UUID(int=1)), "command": "FORCE_SYNC", "status": "DONE", "at": beat["timestamp"]}
        await device.publish("command/D1/result", result)
        both = "SELECT count(*) = 2 FROM audit_log"
        await eventually(lambda: owner.fetchval(both), what="the command and its result are in the audit")
    rows = await owner.fetch("SELECT actor, action, entity_id FROM audit_log ORDER BY action")
    assert [tuple(row) for row in rows] == [
        ("user:admin", "command.published", "D1"),
        ("device:D1", "command.result", "D1"),
    ]


async def test_worker_metrics_and_key_files_are_there_and_private(bench: IngestBench) -> None:
    await bench.start()
    folder = bench.home / "services" / "ingest"
    key = (folder / "metrics-key").read_text().strip()
    address = f"http://127.0.0.1:{bench.metrics_port}"
    async with httpx.AsyncClient() as client:
        ready = await client.get(f"{address}/readyz")
        assert (ready.status_code, ready.json()["checks"]["broker"]) == (200, "ok")
        metrics = await client.get(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"})
        assert "pulse_ingest_connected 1.0" in metrics.text
        assert [name for name in FIGURES if f"\n{name}" not in metrics.text] == []
    for name in ("metrics-key", "signing-key.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert (bench.home / "service-keys" / "ingest.jwk.json").exists()


async def test_worker_wrong_setting_is_one_sentence_and_exit_two(bench: IngestBench) -> None:
    process = await asyncio.create_subprocess_exec(
        program("pulse-ingest"),
        env={**bench.variables, "PULSE_MQTT_VERSION": "6"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().count("\n") == 1
    assert "PULSE_MQTT_VERSION" in errors.decode()


async def test_worker_interrupted_while_all_is_away_ends_at_once(bench: IngestBench) -> None:
    await bench.gate.shut()
    bench.worker.start()
    await eventually(lambda: "link.lost" in bench.worker.tail(), what="it knocks at the broker in vain")
    assert await asyncio.to_thread(lambda: bench.worker.stop(number=signal.SIGINT)) == 0
