"""History and thinning on a real database."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_auth.domain.telemetry.history import read_history

Archive = Callable[..., Awaitable[None]]


@pytest.fixture
def span(began: datetime) -> tuple[datetime, datetime]:
    return began, began + timedelta(hours=10)


async def test_history_below_the_limit_is_complete_and_ascending(
    session: AsyncSession, archive: Archive, span: tuple[datetime, datetime]
) -> None:
    await archive([3, 1, 2])
    points, thinned = await read_history(session, "D1", "m", span, 3)
    assert [point.value for point in points] == [3, 1, 2]
    assert not thinned


async def test_history_above_the_limit_keeps_every_peak(
    session: AsyncSession, archive: Archive, span: tuple[datetime, datetime]
) -> None:
    values = [random.Random(7).gauss(0, 1) for _ in range(5_000)]
    values[1234], values[4321] = 99.5, -99.5
    await archive(values)
    points, thinned = await read_history(session, "D1", "m", span, 200)
    assert thinned
    assert 100 <= len(points) <= 200
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert {99.5, -99.5} <= {point.value for point in points}
    for bucket in range(100):
        # Each bucket of 50 s holds its own extremes, up to the rounding of its border.
        part = values[bucket * 50 + 1 : (bucket + 1) * 50 - 1]
        shown = [
            point.value for point in points if bucket * 50 <= (point.at - span[0]).total_seconds() < (bucket + 1) * 50
        ]
        assert min(shown) <= min(part)
        assert max(shown) >= max(part)


async def test_history_of_neighbouring_large_integers_keeps_the_exact_extremes(
    session: AsyncSession, archive: Archive, span: tuple[datetime, datetime]
) -> None:
    top = 2**63 - 1
    await archive([top - 5 + (number % 6) for number in range(600)])
    points, thinned = await read_history(session, "D1", "m", span, 2)
    assert thinned
    assert {point.value for point in points} == {top, top - 5}


async def test_history_of_readings_at_one_instant_stays_within_the_limit(
    session: AsyncSession, archive: Archive, span: tuple[datetime, datetime]
) -> None:
    await archive([True, False] * 50, every=timedelta(0))
    points, thinned = await read_history(session, "D1", "m", span, 2)
    assert thinned
    assert sorted(point.value for point in points) == [False, True]


async def test_history_span_holds_its_beginning_and_not_its_end(
    session: AsyncSession, archive: Archive, span: tuple[datetime, datetime]
) -> None:
    await archive([1, 2, 3])
    points, _ = await read_history(session, "D1", "m", (span[0], span[0] + timedelta(seconds=2)), 10)
    assert [point.value for point in points] == [1, 2]


async def test_history_of_another_metric_or_device_is_empty(
    session: AsyncSession, archive: Archive, span: tuple[datetime, datetime]
) -> None:
    await archive([1])
    assert await read_history(session, "D1", "other", span, 10) == ([], False)
    assert await read_history(session, "D2", "m", span, 10) == ([], False)
