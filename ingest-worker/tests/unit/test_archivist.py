"""The rules of failure, on an archive in memory that fails as the test says."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import pytest

from pulse_ingest.archivist import Archivist
from pulse_ingest.backoff import Backoff
from pulse_ingest.day_partitions import DayPartitions
from pulse_ingest.errors import IngestError, StorageUnavailable, TookTooLong, UnfitData, WriteFailed
from pulse_ingest.ledger import Account, settle
from pulse_ingest.measures import Measures
from pulse_ingest.messages import Decoded
from pulse_ingest.receipts import Answer
from pulse_ingest.rows import claims_of
from pulse_ingest.storage_state import StorageState
from pulse_ingest.writer import Written
from support.ingest import RECEIVED, STREAM, bad, message, numbered, reading
from support.waiting import eventually

DEADLOCK = WriteFailed("40P01", "deadlock detected")
TOO_LARGE = UnfitData("22003", "out of range")
LOCKED = WriteFailed("55P03", "canceling statement due to lock timeout")
TODAY = RECEIVED.date()
TOMORROW = TODAY + timedelta(days=1)
Rule = Callable[[list[int]], IngestError | None]


class TurnedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return RECEIVED

    def monotonic(self) -> float:
        return 1.0


class MemoryArchive:
    """Keeps a ledger of one stream; *rule* says which batches fail, by their numbers."""

    def __init__(self, rule: Rule = lambda _: None, *, probe: bool = True) -> None:
        self.rule, self.answers_probe = rule, probe
        self.account = Account()
        self.attempts: list[list[int]] = []
        self.days: list[date] = []
        self.days_tried: list[date] = []
        self.partition_error: IngestError | None = None
        self.may_make = asyncio.Event()
        self.may_make.set()

    async def write_batch(self, messages: Sequence[Decoded], now: datetime) -> Written:
        claims = claims_of(messages)
        claim = claims.get(("D1", STREAM))
        numbers = sorted(claim.valid) if claim else []
        self.attempts.append(numbers)
        if error := self.rule(numbers):
            raise error
        if claim is None:
            return Written([], 0, 0, 0)
        done = settle(self.account, claim)
        self.account = done.after
        reasons = {r.sequence_no: r.reason for m in messages for r in m.rejects if r.sequence_no is not None}
        return Written([Answer("D1", STREAM, done.after.within(claim.named), reasons)], len(done.archive), 0, 0)

    async def make_partitions(self, days: Sequence[date]) -> None:
        self.days_tried.extend(days)
        await self.may_make.wait()
        if self.partition_error:
            raise self.partition_error
        self.days.extend(days)

    async def probe(self) -> bool:
        return self.answers_probe


class Bench:
    """An archivist whose waits return at once."""

    def __init__(self, archive: MemoryArchive) -> None:
        self.archive, self.state, self.measures = archive, StorageState(), Measures()
        self.answers: list[Answer] = []
        self.waits = 0
        self.archivist = Archivist(
            batches=archive,
            days=DayPartitions(archive, TurnedClock()),
            publish=self._publish,
            state=self.state,
            measures=self.measures,
            clock=TurnedClock(),
        )
        self.archivist._backoff = Backoff(first_s=0.1, most_s=1.0, sleep=self._wait)

    async def _publish(self, answers: Sequence[Answer]) -> None:
        self.answers.extend(answers)

    async def _wait(self, seconds: float) -> None:
        self.waits += 1
        assert self.waits < 1_000, "waits for ever"

    @property
    def left(self) -> float:
        return self.measures.registry.get_sample_value("pulse_ingest_left_unanswered_total") or 0.0


def fails_times(error: IngestError, times: int) -> Rule:
    left = [times]

    def rule(_: list[int]) -> IngestError | None:
        left[0] -= 1
        return error if left[0] >= 0 else None

    return rule


def fails_with(number: int, error: IngestError) -> Rule:
    return lambda numbers: error if number in numbers else None


async def test_store_good_batch_is_written_once_and_answered() -> None:
    bench = Bench(MemoryArchive())
    await bench.archivist.store([numbered([1, 2, 3])])
    assert bench.archive.attempts == [[1, 2, 3]]
    assert [answer.fates.archived for answer in bench.answers] == [[(1, 3)]]


@pytest.mark.parametrize("times", [1, 2, 9])
async def test_store_deadlock_is_tried_again_and_never_rejects(times: int) -> None:
    bench = Bench(MemoryArchive(fails_times(DEADLOCK, times), probe=False))
    await bench.archivist.store([numbered([1, 2, 3, 4])])
    assert bench.archive.account == Account(settled=[(1, 4)])
    assert [answer.reasons for answer in bench.answers] == [{}]
    assert bench.waits == times


async def test_store_database_away_waits_tells_and_answers_only_after_commit() -> None:
    bench = Bench(MemoryArchive(fails_times(StorageUnavailable("gone"), 5)))
    seen: list[tuple[str, int]] = []
    bench.state.on_change = lambda: seen.append((bench.state.database, len(bench.answers)))
    bench.state._check_fails = False
    await bench.archivist.store([numbered([1, 2])])
    assert seen == [("away", 0), ("ok", 0)]
    assert len(bench.answers) == 1
    assert len(bench.archive.attempts) == 6


async def test_store_unfit_value_on_one_reading_rejects_that_one_alone_case_12() -> None:
    bench = Bench(MemoryArchive(fails_with(37, TOO_LARGE)))
    await bench.archivist.store([numbered(range(1, 51)), numbered(range(51, 101))])
    assert bench.archive.account.rejected == [(37, 37)]
    assert bench.archive.account.archived == [(1, 36), (38, 100)]
    reasons = {number: reason for answer in bench.answers for number, reason in answer.reasons.items()}
    assert list(reasons) == [37]
    assert "22003" in reasons[37]
    assert bench.left == 0


async def test_store_reading_that_fails_alone_for_no_data_reason_is_left_unanswered() -> None:
    bench = Bench(MemoryArchive(fails_with(37, WriteFailed("P0001", "raised"))))
    await bench.archivist.store([numbered(range(1, 101))])
    assert bench.archive.account == Account(settled=[(1, 36), (38, 100)])
    assert bench.archive.attempts.count([37]) == 3
    assert bench.archive.attempts.count(list(range(1, 101))) == 3
    assert bench.left == 1


async def test_store_reading_that_takes_too_long_is_found_and_left_and_its_neighbours_are_archived_case_12() -> None:
    bench = Bench(MemoryArchive(fails_with(37, TookTooLong("TimeoutError"))))
    bench.state._check_fails = False
    seen: list[str] = []
    bench.state.on_change = lambda: seen.append(bench.state.database)
    await bench.archivist.store([numbered(range(1, 101))])
    assert bench.archive.account == Account(settled=[(1, 36), (38, 100)])
    assert bench.archive.attempts.count([37]) == 3
    assert bench.archive.attempts.count(list(range(1, 101))) == 3
    assert bench.left == 1
    assert seen[:2] == ["away", "ok"], "what waits so long is told to the devices"
    assert bench.state.database == "ok", "nothing waits any more"


async def test_store_taking_too_long_while_the_database_answers_no_probe_is_the_databases_fault() -> None:
    bench = Bench(MemoryArchive(fails_times(TookTooLong("TimeoutError"), 20), probe=False))
    await bench.archivist.store([numbered([1, 2])])
    assert set(map(tuple, bench.archive.attempts)) == {(1, 2)}
    assert len(bench.archive.attempts) == 21


async def test_store_failing_batch_is_not_split_while_the_database_answers_no_probe() -> None:
    bench = Bench(MemoryArchive(fails_times(WriteFailed("XX000", "?"), 20), probe=False))
    await bench.archivist.store([numbered([1, 2])])
    assert set(map(tuple, bench.archive.attempts)) == {(1, 2)}
    assert len(bench.archive.attempts) == 21


async def test_store_waiting_for_a_lock_is_told_and_leaves_no_reading_however_long_it_is_held() -> None:
    bench = Bench(MemoryArchive(fails_times(LOCKED, 20)))
    bench.state._check_fails = False
    seen: list[tuple[str, int]] = []
    bench.state.on_change = lambda: seen.append((bench.state.database, len(bench.archive.attempts)))
    await bench.archivist.store([numbered([1, 2])])
    assert bench.archive.attempts == [[1, 2]] * 21
    assert (seen, bench.left) == ([("away", 1), ("ok", 21)], 0)


async def test_store_database_gone_in_the_middle_of_a_split_loses_nothing() -> None:
    attempts = [0]

    def rule(numbers: list[int]) -> IngestError | None:
        attempts[0] += 1
        if 5 in numbers:
            return WriteFailed("P0001", "raised")
        return StorageUnavailable("gone") if attempts[0] % 2 else None

    bench = Bench(MemoryArchive(rule))
    await bench.archivist.store([numbered(range(1, 9))])
    assert bench.archive.account == Account(settled=[(1, 4), (6, 8)])


async def test_store_rejects_and_losses_survive_a_split() -> None:
    bench = Bench(MemoryArchive(fails_with(3, TOO_LARGE)))
    await bench.archivist.store([message([reading(1), bad(2), reading(3)], [(7, 9)])])
    assert bench.archive.account == Account(settled=[(1, 3), (7, 9)], rejected=[(2, 3)], lost=[(7, 9)])


async def test_store_days_of_the_batch_have_partitions_before_it_is_written() -> None:
    bench = Bench(MemoryArchive())
    today = RECEIVED.date()
    await bench.archivist.store([numbered([1]), numbered([90_000])])
    assert bench.archive.days == [today, today + timedelta(days=1)]
    await bench.archivist.store([numbered([2])])
    assert len(bench.archive.days) == 2


async def test_store_day_that_cannot_have_a_partition_yet_is_tried_for_once_and_then_beside_the_batches() -> None:
    archive = MemoryArchive()
    days = DayPartitions(archive, TurnedClock())
    archive.partition_error = LOCKED
    for _ in range(3):
        await days.prepare({TODAY})
    assert archive.days_tried == [TODAY]
    await days.make_owed()
    archive.partition_error = None
    await days.make_owed()
    await days.prepare({TODAY, TOMORROW})
    assert archive.days_tried == [TODAY, TODAY, TODAY, TOMORROW]
    assert archive.days == [TODAY, TOMORROW]


async def test_store_days_that_somebody_locks_out_are_waited_for_once_and_made_when_the_lock_is_free() -> None:
    archive = MemoryArchive()
    days, month = DayPartitions(archive, TurnedClock()), [TODAY - timedelta(days=number) for number in range(30, 0, -1)]
    archive.partition_error = LOCKED
    await days.prepare(month[:20])
    assert len(archive.days_tried) == 1, "each further day would wait for the same lock"
    for day in month[20:]:
        await days.prepare({day})
    assert len(archive.days_tried) == 1, "nor does a batch of another day"
    await days.make_owed()
    assert len(archive.days_tried) == 2
    archive.partition_error = None
    await days.make_owed()
    assert archive.days == [*month, TODAY, TOMORROW]
    await days.prepare({month[0] - timedelta(days=1)})
    assert archive.days[-1] == month[0] - timedelta(days=1), "a new day is made before its batch again"


async def test_store_day_whose_partition_takes_long_is_waited_for_shortly_and_once_by_all_batches() -> None:
    archive = MemoryArchive()
    days = DayPartitions(archive, TurnedClock())
    archive.may_make.clear()
    await days.prepare({TODAY}, within_s=0.01)
    assert archive.days_tried == [TODAY]
    for day in (TODAY, TOMORROW):
        await asyncio.wait_for(days.prepare({day}, within_s=60), timeout=5)
    assert archive.days_tried == [TODAY], "known to take long"
    making = asyncio.create_task(days.make_owed())
    await eventually(lambda: len(archive.days_tried) == 2, what="it is made beside the batches")
    await asyncio.wait_for(days.prepare({TODAY - timedelta(days=1)}, within_s=60), timeout=5)
    archive.may_make.set()
    await making
    assert archive.days == [TODAY, TOMORROW], "that takes as long as it takes"
    await days.make_owed()
    assert archive.days == [TODAY, TOMORROW, TODAY - timedelta(days=1)]


@pytest.mark.parametrize("error", [StorageUnavailable("gone"), TookTooLong("TimeoutError")])
async def test_store_day_that_the_database_was_away_for_is_tried_for_by_no_further_batch(error: IngestError) -> None:
    archive = MemoryArchive()
    days = DayPartitions(archive, TurnedClock())
    archive.partition_error = error
    for _ in range(3):
        await days.prepare({TODAY, TOMORROW})
    assert archive.days_tried == [TODAY]
    archive.partition_error = None
    await days.make_owed()
    assert archive.days == [TODAY, TOMORROW]


async def test_store_day_that_fails_by_itself_keeps_no_other_from_having_a_partition() -> None:
    archive = MemoryArchive()
    days = DayPartitions(archive, TurnedClock())
    archive.partition_error = WriteFailed("42501", "permission denied")
    await days.prepare({TODAY, TOMORROW})
    assert archive.days_tried == [TODAY, TOMORROW]


async def test_store_very_old_day_is_left_to_the_default_partition() -> None:
    bench = Bench(MemoryArchive())
    await bench.archivist.store([message([reading(1, timestamp="2003-01-01T00:00:00Z")])])
    assert date(2003, 1, 1) not in bench.archive.days


@pytest.mark.parametrize("error", [StorageUnavailable("gone"), WriteFailed("55P03", "lock")])
async def test_store_without_partition_writes_all_the_same(error: IngestError) -> None:
    bench = Bench(MemoryArchive())
    bench.archive.partition_error = error
    await bench.archivist.store([numbered([1])])
    assert bench.archive.account.archived == [(1, 1)]
