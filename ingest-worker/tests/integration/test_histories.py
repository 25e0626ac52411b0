"""
Several workers and one archive, against a model that keeps one fate for each number.

Two connections store batches of two devices one after another, at the same time, again, and again after a lost answer
to COMMIT. Whatever the order: archived beats rejected beats lost, nothing twice, receipts name what is committed.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeAlias

import asyncpg
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from pulse_acl.ranges import from_text
from pulse_ingest.errors import StorageUnavailable
from pulse_ingest.messages import Decoded
from pulse_ingest.receipts import Answer, build
from pulse_ingest.writer import Database, Target, Written
from support.database import Database as ClonedDatabase
from support.ingest import RECEIVED, STREAM, bad, message, reading
from support.lost_answers import Swallower

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Batch = list[tuple[str, list[tuple[int, bool]], list[tuple[int, int]]]]  # device, numbers with their validity, losses
RANK = ("lost", "rejected", "archived")
EVERY_TABLE = "telemetry_data, telemetry_ledger, telemetry_rejects, telemetry_latest, telemetry_minute"

number = st.integers(1, 8)
batches = st.lists(
    st.tuples(
        st.sampled_from(["D1", "D2"]),
        st.lists(st.tuples(number, st.booleans()), max_size=4),
        st.lists(st.tuples(number, st.integers(0, 2)).map(lambda pair: (pair[0], sum(pair))), max_size=1),
    ),
    min_size=1,
    max_size=3,
)
worker = st.integers(0, 1)


class Model:
    """The best fate of each number, and how many copies of readings were offered."""

    def __init__(self) -> None:
        self.fates: dict[tuple[str, int], str] = {}
        self.copies = 0

    def take(self, batch: Batch) -> None:
        for device, readings, lost in batch:
            self.copies += len(readings)
            for one, valid in readings:
                self._raise((device, one), "archived" if valid else "rejected")
            for first, last in lost:
                for one in range(first, last + 1):
                    self._raise((device, one), "lost")

    def _raise(self, key: tuple[str, int], fate: str) -> None:
        known = self.fates.get(key)
        if known is None or RANK.index(fate) > RANK.index(known):
            self.fates[key] = fate

    def having(self, device: str, fate: str) -> list[int]:
        return sorted(one for (name, one), found in self.fates.items() if (name, found) == (device, fate))


def messages_of(batch: Batch) -> list[Decoded]:
    return [
        message([reading(one) if valid else bad(one) for one, valid in readings], lost, client_id=device)
        for device, readings, lost in batch
    ]


class SeveralWorkers(RuleBasedStateMachine):
    """What workers do to one archive; ``cloned`` is set by the test, ``compared`` tells it what was looked at."""

    cloned: ClonedDatabase
    compared: ClassVar[list[int]]  # the numbers in the model, at each comparison of the archive with it

    def __init__(self) -> None:
        super().__init__()
        self.model, self.last = Model(), ([], [])
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(prefix="pulse-histories-")
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.owner: Conn = await asyncpg.connect(self.cloned.dsn("auth"))
        await self.owner.execute(f"TRUNCATE {EVERY_TABLE}")
        self.swallower = Swallower(Path(self.folder.name), self.cloned.layout.folder)
        self.server = await self.swallower.serve()
        address, _ = self.cloned.dsn("ingest").split("?")
        target = Target({"dsn": address, "host": self.folder.name})
        self.workers = [Database(target), Database(target)]

    def teardown(self) -> None:
        self.runner.run(self._close())
        self.runner.close()
        self.folder.cleanup()

    async def _close(self) -> None:
        for one in self.workers:
            await one.close()
        await self.owner.close()
        await self.swallower.close(self.server)

    @rule(who=worker, batch=batches)
    def store(self, who: int, batch: Batch) -> None:
        self.last = (batch, messages_of(batch))
        self.model.take(batch)
        self.runner.run(self._store(who, self.last[1]))

    @rule(one=batches, other=batches)
    def store_at_the_same_time(self, one: Batch, other: Batch) -> None:
        self.model.take(one)
        self.model.take(other)
        self.runner.run(self._store_both(messages_of(one), messages_of(other)))

    @rule(who=worker, batch=batches)
    def answer_lost_and_tried_again(self, who: int, batch: Batch) -> None:
        self.last = (batch, messages_of(batch))
        self.model.take(batch)
        self.runner.run(self._lose_and_store(who, self.last[1]))

    @rule(who=worker)
    def delivered_again(self, who: int) -> None:
        self.model.take(self.last[0])
        self.runner.run(self._store(who, list(self.last[1])))

    async def _store(self, who: int, messages: Sequence[Decoded]) -> None:
        written = await self.workers[who].write_batch(messages, RECEIVED)
        self._check_answers(written)
        assert {name: set().union(*told(answer).values()) for name, answer in by_device(written).items()} == {
            name: numbers for name, numbers in named(messages).items() if numbers
        }, "every number that was named is answered, and no other"

    async def _store_both(self, one: Sequence[Decoded], other: Sequence[Decoded]) -> None:
        pair = [self.workers[0].write_batch(one, RECEIVED), self.workers[1].write_batch(other, RECEIVED)]
        for written in await asyncio.gather(*pair):
            await self._check_committed(written)

    async def _lose_and_store(self, who: int, messages: Sequence[Decoded]) -> None:
        self.swallower.armed = True
        try:
            await self.workers[who].write_batch(messages, RECEIVED)
        except StorageUnavailable:
            await self._store(who, messages)
            return
        raise AssertionError("the answer to COMMIT was to be lost")

    def _check_answers(self, written: Written) -> None:
        """Nothing else runs: the answer is the model's, to the number."""
        for answer in written.answers:
            for fate, numbers in told(answer).items():
                wrong = {one for one in numbers if self.model.fates[answer.client_id, one] != fate}
                assert wrong == set(), (answer.client_id, fate)

    async def _check_committed(self, written: Written) -> None:
        """Another worker may have bettered a fate meanwhile; none may be without one, or worse than told."""
        for answer in written.answers:
            held = await self._fates_in_archive(answer.client_id)
            for fate, numbers in told(answer).items():
                for one in numbers:
                    assert RANK.index(held[one]) >= RANK.index(fate), (answer.client_id, one)

    async def _fates_in_archive(self, device: str) -> dict[int, str]:
        row = await self.owner.fetchrow(
            "SELECT (settled - rejected - lost)::text AS archived, rejected::text, lost::text FROM telemetry_ledger"
            " WHERE client_id = $1 AND stream = $2",
            *(device, STREAM),
        )
        if row is None:
            return {}
        return {one: fate for fate in RANK for first, last in from_text(row[fate]) for one in range(first, last + 1)}

    @invariant()
    def archive_agrees_with_the_model(self) -> None:
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        for device in ("D1", "D2"):
            held = await self._fates_in_archive(device)
            assert held == {one: fate for (name, one), fate in self.model.fates.items() if name == device}
            rows = await self.owner.fetch("SELECT sequence_no FROM telemetry_data WHERE client_id = $1", device)
            assert sorted(row[0] for row in rows) == self.model.having(device, "archived"), "each once"
            standing = await self.owner.fetch(
                "SELECT sequence_no FROM telemetry_rejects WHERE client_id = $1 AND superseded_at IS NULL", device
            )
            assert sorted(row[0] for row in standing) == self.model.having(device, "rejected")
        counted = await self.owner.fetchval(
            "SELECT coalesce(sum(archived_count + duplicate_count), 0) + (SELECT count(*) FROM telemetry_rejects)"
            " FROM telemetry_ledger"
        )
        assert counted == self.model.copies, "each copy is archived, rejected or a duplicate, our own retries none"
        self.compared.append(len(self.model.fates))


def by_device(written: Written) -> dict[str, Answer]:
    return {answer.client_id: answer for answer in written.answers}


def named(messages: Sequence[Decoded]) -> dict[str, set[int]]:
    """Return the numbers that *messages* speak of, by device."""
    made: dict[str, set[int]] = {}
    for one in messages:
        assert one.client_id is not None
        numbers = made.setdefault(one.client_id, set())
        numbers.update(sample.sequence_no for sample in one.samples)
        numbers.update(reject.sequence_no for reject in one.rejects if reject.sequence_no is not None)
        numbers.update(n for first, last in one.lost for n in range(first, last + 1))
    return made


def told(answer: Answer) -> dict[str, set[int]]:
    """Return what the receipts of *answer* say, number by number."""
    receipts = build(answer, RECEIVED)
    return {
        "archived": {n for r in receipts for first, last in r.archived for n in range(first, last + 1)},
        "lost": {n for r in receipts for first, last in r.lost for n in range(first, last + 1)},
        "rejected": {r.sequence_no for receipt in receipts for r in receipt.rejected},
    }


def test_write_batch_any_history_of_several_workers_agrees_with_a_model(database: ClonedDatabase) -> None:
    SeveralWorkers.cloned, SeveralWorkers.compared = database, []
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        SeveralWorkers, settings=settings(max_examples=15, stateful_step_count=12, deadline=None)
    )
    assert any(SeveralWorkers.compared), "no history stored anything"
