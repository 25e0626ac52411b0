"""The service on a real database: requests answered once for each device, laggards caught up, strangers ignored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from pulse_auth.domain.sync.service import (
    ANSWERS_APART_S,
    LAGS_AFTER_S,
    MOST_REQUEST_BYTES,
    MOST_WAITING_BYTES,
    SyncService,
)
from pulse_auth.domain.sync.writing import Actor
from pulse_sync.messages import Page, Snapshot
from pulse_sync.records import Key
from pulse_sync.view import digest, from_wire
from support.database import Database
from support.sync_desk import Desk, Postbox, fresh_keys
from support.waiting import eventually

KEYS = fresh_keys()


class Ticks:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def desk(books: Any, admin: Actor) -> Desk:
    return await Desk("D1", KEYS).enroll(books.sessions)


@pytest.fixture
async def service(
    books: Any, database: Database, desk: Desk, postbox: Postbox, ticks: Ticks
) -> AsyncIterator[SyncService]:
    """A service that has published everything, with its inbox running."""
    made = SyncService(books.sessions, database.dsn(), lambda: books.now, KEYS, send=postbox.send, monotonic=ticks)
    assert await made.publication.publish_outstanding()
    postbox.sent.clear()
    task = asyncio.create_task(made.loops["sync-inbox"]())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def request(client_id: str = "D1", **changes: Any) -> bytes:
    said = {"client_id": client_id, "history": None, "from_version": 0, "digest": None, "nonce": "n1"}
    return json.dumps({**said, **changes}).encode()


def heartbeat(version: int, history: str) -> bytes:
    said = {"client_id": "D1", "status": "ONLINE", "identity_version": version, "history": history}
    return json.dumps(said).encode()


async def sent(postbox: Postbox, count: int) -> None:
    await eventually(lambda: len(postbox.sent) >= count, what=f"{count} messages are sent")


async def test_service_requests_that_pile_up_are_answered_by_the_newest(
    service: SyncService, desk: Desk, postbox: Postbox, ticks: Ticks
):
    for number in range(20):
        service.take("sync/device/D1/request", request(nonce=f"n{number}"))
    await sent(postbox, 1)
    ticks.now += ANSWERS_APART_S
    service.take("sync/device/D1/request", request(nonce="last"))
    await sent(postbox, 2)
    answers = desk.opened(postbox.sent)
    assert [one.nonce for one in answers if isinstance(one, Snapshot)] == ["n19", "last"]
    held = {one.key: one for one in map(from_wire, answers[0].records)}  # type: ignore[union-attr]
    assert digest(held) == answers[0].digest  # type: ignore[union-attr]


async def test_service_requests_soon_after_an_answer_wait_and_the_newest_is_answered_in_time(
    books: Any, service: SyncService, desk: Desk, postbox: Postbox, ticks: Ticks
):
    await Desk("D2", KEYS).enroll(books.sessions)
    service.take("sync/device/D1/request", request(nonce="first"))
    await sent(postbox, 1)
    ticks.now += ANSWERS_APART_S - 0.5
    for number in range(20):
        service.take("sync/device/D1/request", request(nonce=f"n{number}"))
        await asyncio.sleep(0)  # each could be handled before the next comes
    service.take("sync/device/D2/request", request("D2"))
    await eventually(lambda: "sync/device/D2/state" in dict(postbox.sent), what="the other device is answered")
    await eventually(lambda: len(desk.opened(postbox.sent)) >= 2, what="the newest is answered when its time has come")
    assert [one.nonce for one in desk.opened(postbox.sent) if isinstance(one, Snapshot)] == ["first", "n19"]
    ticks.now += ANSWERS_APART_S
    service.take("sync/device/D2/request", request("D2"))
    await eventually(lambda: set(service._answered_at) == {"D2"}, what="who need not wait any more is forgotten")


async def test_service_request_that_is_too_large_is_not_kept(service: SyncService):
    service.take("sync/device/D1/request", request(nonce="n" * MOST_REQUEST_BYTES))
    assert (service._requests, service._waiting.empty()) == ({}, True)


async def test_service_flood_of_large_messages_is_held_within_bounds_and_passes(
    books: Any, service: SyncService, postbox: Postbox
):
    large = bytes(MOST_WAITING_BYTES // 8)
    for _ in range(100):
        service.take("sync/device/D1/changes", large)

    def answered() -> bool:
        if not postbox.sent:
            service.take("sync/device/D1/request", request())
        return bool(postbox.sent)

    await eventually(answered, 20, what="a request is taken and answered", every_s=0.05)
    assert await books.rows("SELECT count(*) FROM sync_log WHERE entity_type = 'envelope'") == [(8,)]


@pytest.mark.parametrize("payload", [b"\xff", b"{}", request("D2"), request(from_version=-1)])
async def test_service_request_that_is_wrong_is_ignored_and_the_next_is_answered(
    service: SyncService, postbox: Postbox, ticks: Ticks, payload: bytes
):
    service.take("sync/device/D1/request", payload)
    service.take("sync/device/D9/request", request("D9"))
    service.take("something/else", b"{}")
    await eventually(lambda: not service._requests, what="the wrong requests have been handled")
    ticks.now += ANSWERS_APART_S
    service.take("sync/device/D1/request", request())
    await sent(postbox, 1)
    assert {topic for topic, _ in postbox.sent} == {"sync/device/D1/state"}


async def test_service_device_that_lags_for_ten_seconds_is_caught_up_unasked_case_27(
    *, books: Any, service: SyncService, desk: Desk, postbox: Postbox, ticks: Ticks, admin: Actor
):
    row = (await books.rows("SELECT history::text, version FROM record_version"))[0]
    async with books.writing(admin) as records:
        await records.edit(Key.setting("a"), {"config_value": 1})
    assert await service.publication.publish_outstanding()
    postbox.sent.clear()
    service.take("heartbeat/D1", heartbeat(row.version, row.history))
    ticks.now += LAGS_AFTER_S - 0.1
    service.take("heartbeat/D1", heartbeat(row.version, row.history))
    assert service._waiting.empty()
    ticks.now += 0.1
    service.take("heartbeat/D1", heartbeat(row.version, row.history))
    await sent(postbox, 1)
    page = desk.opened(postbox.sent)[0]
    assert isinstance(page, Page)
    assert (page.previous, page.version, page.nonce) == (row.version, row.version + 1, None)
    service.take("heartbeat/D1", heartbeat(row.version + 1, row.history))
    ticks.now += 2 * LAGS_AFTER_S
    service.take("heartbeat/D1", heartbeat(row.version + 1, row.history))
    assert service._waiting.empty()


async def test_service_device_that_strayed_gets_a_snapshot_and_one_in_step_an_empty_page(
    books: Any, service: SyncService, desk: Desk, postbox: Postbox, ticks: Ticks
):
    row = (await books.rows("SELECT history::text, version FROM record_version"))[0]
    where = {"history": row.history, "from_version": row.version}
    service.take("sync/device/D1/request", request(**where, digest="0" * 64))
    await sent(postbox, 1)
    snapshot = desk.opened(postbox.sent)[0]
    assert isinstance(snapshot, Snapshot)
    ticks.now += ANSWERS_APART_S
    service.take("sync/device/D1/request", request(**where, digest=snapshot.digest))
    await sent(postbox, 2)
    page = desk.opened(postbox.sent)[1]
    assert isinstance(page, Page)
    assert (page.records, page.version, page.digest) == ([], row.version, snapshot.digest)
    ticks.now += ANSWERS_APART_S
    service.take("sync/device/D1/request", request(history=str(uuid4()), from_version=row.version))
    await sent(postbox, 3)
    assert isinstance(desk.opened(postbox.sent)[2], Snapshot)


async def test_service_revoked_device_is_not_answered(books: Any, service: SyncService, postbox: Postbox):
    await Desk("D2", KEYS).enroll(books.sessions)
    async with books.sessions.begin() as session:
        await session.execute(text("UPDATE devices SET revoked_at = now() WHERE client_id = 'D1'"))
    service.take("sync/device/D1/request", request())
    service.take("sync/device/D2/request", request("D2"))
    await sent(postbox, 1)
    assert {topic for topic, _ in postbox.sent} == {"sync/device/D2/state"}
