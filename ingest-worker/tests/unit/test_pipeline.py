"""The way through the pipeline with a store that the test opens and shuts."""

import asyncio
import json
from datetime import UTC, datetime

from pulse_ingest.batcher import Batcher, Intake
from pulse_ingest.clock import SystemClock
from pulse_ingest.measures import Measures
from pulse_ingest.messages import Decoded, Raw
from pulse_ingest.pipeline import Pipeline
from support.ingest import STREAM, reading
from support.waiting import eventually

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)


class GatedStore:
    """Keeps batches; lets them through only while the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[list[Decoded]] = []

    async def store(self, messages: list[Decoded]) -> None:
        await self.gate.wait()
        self.batches.append(messages)

    @property
    def numbers(self) -> list[int]:
        return [s.sequence_no for batch in self.batches for one in batch for s in one.samples]


def live(number: int, **fields: object) -> Raw:
    payload = {"client_id": "D1", "stream": str(STREAM), **reading(number), **fields}
    return Raw("telemetry/D1/live", json.dumps(payload).encode(), NOW)


def piped(store: GatedStore, *, most_bytes: int = 10**9, size: int = 100) -> tuple[Pipeline, Measures]:
    measures = Measures()
    batcher = Batcher(size=size, age_s=0.02)
    return Pipeline(store, measures, SystemClock(), intake=Intake(most_bytes=most_bytes), batcher=batcher), measures


async def test_run_messages_come_through_in_order_and_in_batches() -> None:
    store = GatedStore()
    pipeline, _ = piped(store)
    running = asyncio.create_task(pipeline.run())
    for number in range(1, 501):
        pipeline.offer(live(number))
    await eventually(lambda: len(store.numbers) == 500, what="all are stored")
    assert store.numbers == list(range(1, 501))
    assert max(len(batch) for batch in store.batches) == 100
    pipeline.close()
    await running


async def test_run_single_message_is_stored_by_its_age() -> None:
    store = GatedStore()
    pipeline, _ = piped(store)
    running = asyncio.create_task(pipeline.run())
    pipeline.offer(live(1))
    await eventually(lambda: store.numbers == [1], what="the single one is stored")
    pipeline.close()
    await running


async def test_close_everything_held_is_stored_before_run_returns() -> None:
    store = GatedStore()
    store.gate.clear()
    pipeline, _ = piped(store, size=10)
    running = asyncio.create_task(pipeline.run())
    for number in range(1, 96):
        pipeline.offer(live(number))
    pipeline.close()
    pipeline.offer(live(96))
    store.gate.set()
    await asyncio.wait_for(running, 5)
    assert store.numbers == list(range(1, 96))


async def test_offer_store_shut_holds_a_bounded_amount_and_counts_the_rest() -> None:
    store = GatedStore()
    store.gate.clear()
    size = live(10).held_bytes
    pipeline, measures = piped(store, most_bytes=size * 50, size=10)
    running = asyncio.create_task(pipeline.run())
    for number in range(10, 99):
        pipeline.offer(live(number))
    dropped = measures.registry.get_sample_value("pulse_ingest_dropped_total")
    assert dropped == 89 - 50
    store.gate.set()
    pipeline.close()
    await asyncio.wait_for(running, 5)
    assert len(store.numbers) == 50


async def test_run_acknowledgement_comes_after_the_store_case_10() -> None:
    store = GatedStore()
    store.gate.clear()
    pipeline, _ = piped(store)
    running = asyncio.create_task(pipeline.run())
    raw = live(1)
    raw.done = asyncio.get_running_loop().create_future()
    pipeline.offer(raw)
    pipeline.close()
    done, _ = await asyncio.wait({raw.done}, timeout=0.1)
    assert not done, "acknowledged before it was stored"
    store.gate.set()
    await asyncio.wait_for(raw.done, 5)
    assert store.numbers == [1]
    await running


async def test_run_hostile_payload_does_not_stop_it_case_11() -> None:
    store = GatedStore()
    pipeline, _ = piped(store)
    running = asyncio.create_task(pipeline.run())
    for payload in (b"", b"\xff", b"[" * 100_000, b"null"):
        pipeline.offer(Raw("telemetry/D1/live", payload, NOW))
    pipeline.record(Raw("heartbeat/D1", b"{", NOW), "D1", "no heartbeat")
    pipeline.offer(live(7))
    await eventually(lambda: store.numbers == [7], what="the good one is stored")
    assert sum(len(one.faults) for batch in store.batches for one in batch) == 5
    pipeline.close()
    await running
