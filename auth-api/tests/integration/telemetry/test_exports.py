"""Export links and the export's rows on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_auth.db.session import Sessions
from pulse_auth.domain.telemetry.export_format import ExportFormat
from pulse_auth.domain.telemetry.export_streams import ExportStreams
from pulse_auth.domain.telemetry.exports import ExportRequest, claim_link, make_link, stream_export

Archive = Callable[..., Awaitable[None]]
NOW = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
PERSON = UUID("018f0000-0000-7000-8000-00000000aaaa")
ASKED = ExportRequest("D1", ExportFormat.CSV, None, None)


@pytest.fixture
async def person(session: AsyncSession) -> UUID:
    await session.execute(
        text("INSERT INTO users (id, username, username_key, password_hash) VALUES (:id, 'p', 'p', 'x')"),
        {"id": PERSON},
    )
    return PERSON


async def test_link_used_twice_is_refused_the_second_time(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    assert await claim_link(session, secret, NOW) == ASKED
    assert await claim_link(session, secret, NOW) is None


async def test_link_after_a_minute_is_refused(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    assert await claim_link(session, secret, NOW + timedelta(seconds=61)) is None
    assert await claim_link(session, "another", NOW) is None


async def test_link_of_a_deactivated_person_is_refused(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    await session.execute(text("UPDATE users SET is_active = false"))
    assert await claim_link(session, secret, NOW) is None


async def test_export_as_csv_is_ordered_and_exact(
    sessions: Sessions, session: AsyncSession, archive: Archive, began: datetime
) -> None:
    await archive([2**63 - 1, -(2**63), 72.0, True], metric="a/b")
    await archive([1e300], metric="a/a")
    await session.commit()
    lines = b"".join([piece async for piece in stream_export(sessions, ASKED)]).decode().splitlines()
    assert lines[0] == "recorded_at,received_at,stream,sequence_no,metric,type,value"
    assert [line.split(",", 3)[3] for line in lines[1:]] == [
        "1,a/a,double,1e+300",
        "1,a/b,integer,9223372036854775807",
        "2,a/b,integer,-9223372036854775808",
        "3,a/b,double,72.0",
        "4,a/b,boolean,true",
    ]
    assert lines[1].startswith("2026-02-07T10:00:00.000Z,2026-02-07T10:00:00.080Z,018f0000-")


async def test_export_as_ndjson_keeps_span_and_digits(
    sessions: Sessions, session: AsyncSession, archive: Archive, began: datetime
) -> None:
    await archive([1, 2**63 - 1, 3])
    await session.commit()
    asked = ExportRequest("D1", ExportFormat.NDJSON, began + timedelta(seconds=1), began + timedelta(seconds=2))
    lines = b"".join([piece async for piece in stream_export(sessions, asked)]).splitlines()
    assert b'"value":9223372036854775807' in lines[0]
    assert [msgspec.json.decode(line)["sequence_no"] for line in lines] == [2]


async def test_export_of_many_rows_comes_in_pieces(sessions: Sessions, session: AsyncSession, archive: Archive) -> None:
    await archive(list(range(5_000)))
    await session.commit()
    pieces = [piece async for piece in stream_export(sessions, ASKED)]
    assert len(pieces) == 4
    assert sum(piece.count(b"\n") for piece in pieces) == 5_001


async def test_export_whose_reader_stands_still_is_given_up_and_lets_the_next_one_in(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(10_000)))
    await session.commit()
    streams = ExportStreams(sessions, at_once=1, taken_within_s=0.2)
    stalled = streams.stream(ASKED)
    header = await anext(stalled)
    async with asyncio.timeout(10):
        others = b"".join([piece async for piece in streams.stream(ASKED)])
    assert (others.startswith(header), others.count(b"\n")) == (True, 10_001)
    with pytest.raises(TimeoutError):
        [piece async for piece in stalled]


async def test_export_beyond_the_number_at_once_waits_for_its_turn(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(10_000)))
    await session.commit()
    streams = ExportStreams(sessions, at_once=1)
    first, second = streams.stream(ASKED), streams.stream(ASKED)
    await anext(first)
    waiting = asyncio.ensure_future(anext(second))
    assert await asyncio.wait({waiting}, timeout=0.2) == (set(), {waiting})
    assert len([piece async for piece in first]) == 5
    assert await waiting
    assert len([piece async for piece in second]) == 5
