"""Export links and the export's rows on a real database."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from pulse_auth.db.session import Sessions, make_engine, make_sessions
from pulse_auth.domain.telemetry.export_format import ExportFormat
from pulse_auth.domain.telemetry.export_streams import ExportStreams
from pulse_auth.domain.telemetry.exports import ClaimedLink, ExportRequest, claim_link, make_link, stream_export
from pulse_auth.errors import TooManyRequestsError
from support.waiting import eventually

Archive = Callable[..., Awaitable[None]]
NOW = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
PERSON = UUID("018f0000-0000-7000-8000-00000000aaaa")
OTHER = UUID("018f0000-0000-7000-8000-00000000bbbb")
ASKED = ExportRequest("D1", ExportFormat.CSV, None, None)


@pytest.fixture
async def person(session: AsyncSession) -> UUID:
    await session.execute(
        text("INSERT INTO users (id, username, username_key, password_hash) VALUES (:id, 'p', 'p', 'x')"),
        {"id": PERSON},
    )
    await session.execute(
        text(
            "WITH role AS (INSERT INTO roles (id, name, name_key) VALUES (gen_random_uuid(), 'R', 'r') RETURNING id),"
            " held AS (INSERT INTO permissions (id, name, name_key, rules) VALUES"
            " (gen_random_uuid(), 'VIEW_DASHBOARD', 'view_dashboard', '[]') RETURNING id),"
            " joined AS (INSERT INTO user_roles (user_id, role_id) SELECT :id, id FROM role)"
            " INSERT INTO role_permissions (role_id, permission_id) SELECT role.id, held.id FROM role, held"
        ),
        {"id": PERSON},
    )
    return PERSON


async def test_link_used_twice_is_refused_the_second_time(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    assert await claim_link(session, secret, NOW) == ClaimedLink(PERSON, ASKED)
    assert await claim_link(session, secret, NOW) is None


async def test_link_after_a_minute_is_refused(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    assert await claim_link(session, secret, NOW + timedelta(seconds=61)) is None
    assert await claim_link(session, "another", NOW) is None


async def test_link_of_a_deactivated_person_is_refused(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    await session.execute(text("UPDATE users SET is_active = false"))
    assert await claim_link(session, secret, NOW) is None


async def test_link_of_a_person_without_the_right_any_more_is_refused(session: AsyncSession, person: UUID) -> None:
    secret = await make_link(session, ASKED, person, NOW, lambda: "s" * 43)
    await session.execute(text("UPDATE role_permissions SET present = false"))
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


async def test_export_under_way_lets_partitions_be_made(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(10_000)))
    await session.commit()
    pieces = stream_export(sessions, ASKED)
    got = [await anext(pieces), await anext(pieces)]
    async with sessions.begin() as other:
        await other.execute(text("SET LOCAL lock_timeout = '1s'"))
        for day in (NOW.date(), date(2026, 2, 9)):
            await other.execute(text("SELECT telemetry_make_partition(:day)"), {"day": day})
    got += [piece async for piece in pieces]
    assert b"".join(got).count(b"\n") == 10_001


async def test_export_over_days_with_and_without_partitions_is_whole_and_in_order(
    sessions: Sessions, session: AsyncSession, archive: Archive, began: datetime
) -> None:
    for day in (date(2026, 2, 8), date(2026, 2, 9), date(2026, 2, 12)):
        await session.execute(text("SELECT telemetry_make_partition(:day)"), {"day": day})
    await archive(list(range(3_000)), every=timedelta(minutes=5))  # ten days
    await archive([7], client_id="D2")
    await session.commit()
    later, next_day = began + timedelta(days=2), began + timedelta(days=1)
    for first, behind, numbers in (
        (None, None, range(1, 3_001)),
        (later, None, range(577, 3_001)),
        (None, next_day, range(1, 289)),
        (later, later, range(0)),
    ):
        asked = ExportRequest("D1", ExportFormat.NDJSON, first, behind)
        lines = b"".join([piece async for piece in stream_export(sessions, asked)]).splitlines()
        assert [msgspec.json.decode(line)["sequence_no"] for line in lines] == list(numbers)


async def test_export_whose_reader_stands_still_is_given_up_and_lets_the_next_one_in(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(10_000)))
    await session.commit()
    streams = ExportStreams(sessions, at_once=1, taken_within_s=1.0)
    stalled = streams.start(ASKED, PERSON)
    header = await anext(stalled)
    others = await all_of_next(streams, OTHER)
    assert (others.startswith(header), others.count(b"\n")) == (True, 10_001)
    with pytest.raises(TimeoutError):
        [piece async for piece in stalled]


async def test_export_that_nobody_ever_reads_lets_the_next_one_in(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(10_000)))
    await session.commit()
    streams = ExportStreams(sessions, at_once=1, taken_within_s=1.0)
    unread = streams.start(ASKED, PERSON)
    assert await all_of_next(streams, OTHER)
    del unread


async def test_export_that_fails_while_nobody_reads_is_logged_and_lets_the_next_one_in() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/nothing")  # nobody listens there
    streams = ExportStreams(make_sessions(engine), at_once=1)
    with capture_logs() as logs:
        unread = streams.start(ASKED, PERSON)
        await room(streams, OTHER)
    told = [one for one in logs if one["event"].startswith("exports.")]  # PostgreSQL's lines come in between
    assert [(one["event"], one["client_id"]) for one in told] == [("exports.failed", "D1")]
    del unread
    await engine.dispose()


async def test_export_that_takes_too_long_is_ended_and_lets_the_next_one_in(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(40_000)))
    await session.commit()
    streams = ExportStreams(sessions, at_once=1, longest_s=0.3)
    slow = streams.start(ASKED, PERSON)
    assert await anext(slow)
    await room(streams, OTHER)
    with pytest.raises(TimeoutError):
        [piece async for piece in slow]


async def test_export_beyond_one_a_person_or_the_number_at_once_is_refused_with_a_time_to_try_again(
    sessions: Sessions, session: AsyncSession, archive: Archive
) -> None:
    await archive(list(range(10_000)))
    await session.commit()
    streams = ExportStreams(sessions, at_once=2)
    first, second = streams.start(ASKED, PERSON), streams.start(ASKED, OTHER)
    for person, why in ((PERSON, "yours"), (UUID(int=1), "Other exports")):
        with pytest.raises(TooManyRequestsError, match=why) as refused:
            streams.start(ASKED, person)
        assert refused.value.retry_after_s
    assert len([piece async for piece in first]) == 6
    assert await all_of_next(streams, PERSON)
    assert len([piece async for piece in second]) == 6


async def room(streams: ExportStreams, person: UUID) -> None:
    def is_free() -> bool:
        with contextlib.suppress(TooManyRequestsError):
            streams.check_room(person)
            return True
        return False

    await eventually(is_free, what="there is room for the next export")


async def all_of_next(streams: ExportStreams, person: UUID) -> bytes:
    """Export as soon as there is room."""
    await room(streams, person)
    return b"".join([piece async for piece in streams.start(ASKED, person)])
