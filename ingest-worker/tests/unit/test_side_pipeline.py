"""What is beside telemetry: acknowledged once it is stored, bounded, and apart when it fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from pulse_ingest.backoff import Backoff
from pulse_ingest.errors import IngestError, StorageUnavailable, WriteFailed
from pulse_ingest.measures import Measures
from pulse_ingest.messages import Raw
from pulse_ingest.presence import SideBatch
from pulse_ingest.side_pipeline import MOST_AUDIT_CHARS, SidePipeline

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
Rule = Callable[[SideBatch], IngestError | None]


class MemoryArchive:
    """Keeps what is written; *rule* says what fails, and nothing is written while the gate is shut."""

    def __init__(self) -> None:
        self.rule: Rule = lambda _: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.actors: list[str] = []
        self.devices: list[str] = []

    async def write_side(self, batch: SideBatch) -> None:
        await self.gate.wait()
        if error := self.rule(batch):
            raise error
        self.actors += [audit.actor for audit in batch.audits]
        self.devices += list(batch.presences)


class Bench:
    def __init__(self) -> None:
        self.archive, self.measures = MemoryArchive(), Measures()
        self.side = SidePipeline(self.archive, self.measures)
        self.side._backoff = Backoff(first_s=0.001, most_s=0.001)

    def offer(self, raw: Raw) -> "asyncio.Future[None]":
        raw.done = asyncio.get_running_loop().create_future()
        self.side.offer(raw)
        return raw.done

    @property
    def dropped(self) -> float:
        return self.measures.registry.get_sample_value("pulse_ingest_side_dropped_total") or 0.0


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr("pulse_ingest.side_pipeline.FLUSH_S", 0.001)
    made = Bench()
    running = asyncio.create_task(made.side.run())
    yield made
    made.archive.rule = lambda _: None
    made.archive.gate.set()
    made.side.close()
    await asyncio.wait_for(running, 5)


def heartbeat(device: str = "D1", stream: int = 1) -> Raw:
    beat = {"client_id": device, "status": "ONLINE", "stream": str(UUID(int=stream)), "last_sequence_no": 1}
    return Raw(f"heartbeat/{device}", json.dumps({**beat, "timestamp": "2026-02-07T12:00:00.000Z"}).encode(), NOW)


def command(person: str) -> Raw:
    record = {"username": person, "client_id": "web:1", "topic": "command/D1/reload", "payload": "{}"}
    return Raw("audit/command", json.dumps({**record, "at": "2026-02-07T12:00:00.000Z"}).encode(), NOW)


async def test_run_acknowledgement_of_heartbeats_and_commands_comes_after_the_store_case_10(bench: Bench) -> None:
    bench.archive.gate.clear()
    dones = [bench.offer(heartbeat()), bench.offer(command("user:a"))]
    done, _ = await asyncio.wait(dones, timeout=0.1)
    assert not done, "acknowledged before it was stored"
    bench.archive.gate.set()
    await asyncio.wait_for(asyncio.gather(*dones), 5)
    assert (bench.archive.actors, bench.archive.devices) == (["user:a"], ["D1"])


async def test_run_database_away_keeps_everything_and_acknowledges_nothing(bench: Bench) -> None:
    tries = [0]

    def away(_: SideBatch) -> IngestError | None:
        tries[0] += 1
        return StorageUnavailable("gone") if tries[0] < 20 else None

    bench.archive.rule = away
    await asyncio.wait_for(bench.offer(command("user:a")), 5)
    assert (tries[0], bench.archive.actors, bench.dropped) == (20, ["user:a"], 0)


async def test_run_what_fails_alone_is_dropped_counted_and_acknowledged_and_the_others_are_stored(bench: Bench) -> None:
    tries = [0]

    def poisoned(batch: SideBatch) -> IngestError | None:
        tries[0] += 1
        if any(audit.actor == "user:bad" for audit in batch.audits):
            return WriteFailed("P0001", "raised")
        return StorageUnavailable("gone") if tries[0] % 2 else None  # away now and then, also in the middle

    bench.archive.rule = poisoned
    dones = [bench.offer(command(f"user:{name}")) for name in ("a", "bad", "b")] + [bench.offer(heartbeat())]
    await asyncio.wait_for(asyncio.gather(*dones), 5)
    assert (sorted(bench.archive.actors), bench.archive.devices) == (["user:a", "user:b"], ["D1"])
    assert bench.dropped == 1


async def test_offer_while_closing_is_left_unacknowledged_for_another_worker(bench: Bench) -> None:
    bench.side.close()
    assert not bench.offer(command("user:a")).done()
    assert bench.dropped == 1


async def test_offer_long_results_of_commands_stop_at_a_bound_of_memory(bench: Bench) -> None:
    """A device may send as long a result as a message may be, and the database may be away for days."""
    bench.archive.gate.clear()
    result = {"command_id": str(UUID(int=1)), "command": "RELOAD", "status": "DONE", "message": "x" * 200_000}
    payload = json.dumps({**result, "at": "2026-02-07T12:00:00.000Z"}).encode()
    for _ in range(300):
        bench.side.offer(Raw("command/D1/result", payload, NOW))
    assert bench.dropped > 200
    assert bench.side._held.audit_chars < MOST_AUDIT_CHARS + len(payload)


async def test_offer_heartbeats_of_ever_new_streams_stop_at_a_bound(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulse_ingest.side_pipeline.MOST_STREAMS", 5)
    bench.archive.gate.clear()
    dones = [bench.offer(heartbeat(stream=number)) for number in range(8)]
    assert bench.dropped == 3
    assert [done.done() for done in dones] == [False] * 5 + [True] * 3, "what is dropped must not freeze the session"
