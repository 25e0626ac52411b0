"""The account of a device read from a real database."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_auth.domain.telemetry.integrity import account
from pulse_auth.domain.telemetry.ledger import device_is_known, read_ledger

STREAM = "018f0000-0000-7000-8000-000000000001"


async def ledger(
    session: AsyncSession, settled: str, rejected: str = "{}", lost: str = "{}", produced: int = 0
) -> None:
    await session.execute(
        text(
            "INSERT INTO telemetry_ledger VALUES ('D1', CAST(:stream AS uuid), CAST(:settled AS text)::int8multirange,"
            " CAST(:rejected AS text)::int8multirange, CAST(:lost AS text)::int8multirange, :produced,"
            " 0, 4, now(), now())"
        ),
        {"stream": STREAM, "settled": settled, "rejected": rejected, "lost": lost, "produced": produced},
    )


async def presence(session: AsyncSession, heartbeat: str) -> None:
    await session.execute(
        text("INSERT INTO device_presence VALUES ('D1', 'ONLINE', CAST(:heartbeat AS text)::jsonb, now(), now())"),
        {"heartbeat": heartbeat},
    )


async def test_read_ledger_of_an_unknown_device_is_empty(session: AsyncSession) -> None:
    assert await read_ledger(session, "D1") == ([], None)
    assert not await device_is_known(session, "D1")


async def test_read_ledger_with_ranges_and_heartbeat_gives_the_account(session: AsyncSession) -> None:
    await ledger(session, "{[1,5),[8,11)}", rejected="{[2,3)}", lost="{[9,11)}", produced=12)
    await presence(
        session,
        f'{{"client_id": "D1", "status": "ONLINE", "stream": "{STREAM}", "last_sequence_no": 12,'
        f' "held": [{{"stream": "{STREAM}", "first": 5, "last": 6, "count": 2}}],'
        ' "latest": {"big": 9223372036854775807}, "of_a_later_version": 1}',
    )
    report = account(*await read_ledger(session, "D1"))
    assert (report.produced, report.archived, report.rejected, report.declared_lost) == (12, 4, 1, 2)
    assert (report.on_device, report.missing, report.duplicates) == (2, 3, 4)
    assert report.streams[0].missing == [(7, 7), (11, 12)]
    assert await device_is_known(session, "D1")


async def test_read_ledger_with_an_empty_heartbeat_holds_nothing_on_the_device(session: AsyncSession) -> None:
    await ledger(session, "{[1,3)}", produced=2)
    await presence(session, "{}")
    rows, heartbeat = await read_ledger(session, "D1")
    assert heartbeat is not None
    assert heartbeat.held is None
    assert account(rows, heartbeat).archived == 2


async def test_read_ledger_stream_first_heard_of_after_the_heartbeat_is_newer(session: AsyncSession) -> None:
    await ledger(session, "{[2,3)}", produced=2)
    await presence(session, '{"stream": "018f0000-0000-7000-8000-000000000000", "last_sequence_no": 0}')
    assert [row.is_newer for row in (await read_ledger(session, "D1"))[0]] == [False]
    await session.execute(text("UPDATE telemetry_ledger SET first_seen_at = first_seen_at + interval '1 ms'"))
    rows, heartbeat = await read_ledger(session, "D1")
    assert ([row.is_newer for row in rows], account(rows, heartbeat).missing) == ([True], 0)
    await session.execute(text("UPDATE device_presence SET heartbeat_at = NULL, heartbeat = '{}'"))
    assert [row.is_newer for row in (await read_ledger(session, "D1"))[0]] == [False], "a will says nothing"


async def test_read_ledger_with_a_broken_heartbeat_goes_on_without_it(session: AsyncSession) -> None:
    await ledger(session, "{[1,3)}", produced=2)
    await presence(session, '{"held": "nonsense"}')
    assert (await read_ledger(session, "D1"))[1] is None
