"""The publisher on a real database: who gets what, in which order, and what an outage leaves to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from pulse_auth.domain.sync.answers import Whereabouts, answer
from pulse_auth.domain.sync.device_views import DeviceViews, snapshot
from pulse_auth.domain.sync.publication import MOST_EVENTS, Publication
from pulse_auth.domain.sync.sealing import seal
from pulse_auth.domain.sync.writing import Actor
from pulse_auth.housekeeping import tidy
from pulse_sync.envelopes import Key as CryptoKey
from pulse_sync.messages import Event, Page, Snapshot
from pulse_sync.records import Key
from pulse_sync.view import digest, from_wire
from support.database import Database
from support.sync_desk import Desk, Postbox, fresh_keys
from support.waiting import eventually

KEYS = fresh_keys()


def publication(books: Any, database: Database, postbox: Postbox) -> Publication:
    return Publication(books.sessions, database.dsn(), DeviceViews(), CryptoKey(KEYS.signing_jwk()), postbox.send)


@pytest.fixture
async def desks(books: Any) -> list[Desk]:
    return [await Desk(name, KEYS).enroll(books.sessions) for name in ("D1", "D2")]


@pytest.fixture
async def published(books: Any, database: Database, desks: list[Desk], admin: Actor) -> tuple[Publication, Postbox]:
    """A publisher that has sent everything so far."""
    postbox = Postbox()
    made = publication(books, database, postbox)
    assert await made.publish_outstanding()
    postbox.sent.clear()
    return made, postbox


@asynccontextmanager
async def running(one: Publication) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_publication_each_device_gets_its_own_chain_of_versions(
    books: Any, desks: list[Desk], published: tuple[Publication, Postbox], admin: Actor
):
    one, postbox = published
    before = (await books.rows("SELECT version FROM record_version"))[0].version
    async with books.writing(admin) as records:
        await records.edit(Key.setting("a", "D1"), {"config_value": 1})
        await records.edit(Key.setting("b", "D2"), {"config_value": 2})
        await records.edit(Key.setting("c"), {"config_value": 3})
    assert await one.publish_outstanding()
    first, second = (desk.opened(postbox.sent) for desk in desks)
    assert [(m.version - before, m.previous - before, m.record["id"]) for m in first if isinstance(m, Event)] == [
        (1, 0, "a/D1"),
        (3, 1, "c/"),
    ]
    assert [(m.version - before, m.previous - before, m.record["id"]) for m in second if isinstance(m, Event)] == [
        (2, 0, "b/D2"),
        (3, 2, "c/"),
    ]
    assert one.reached is not None
    assert one.reached.for_device("D1") == before + 3
    postbox.sent.clear()
    assert await one.publish_outstanding()
    assert postbox.sent == []


async def test_publication_what_the_broker_missed_is_sent_when_it_is_back_S6(  # noqa: N802
    books: Any, database: Database, desks: list[Desk], published: tuple[Publication, Postbox], admin: Actor
):
    one, postbox = published
    postbox.is_away = True
    await books.add_user("ben", "VIEWER")
    assert not await one.publish_outstanding()
    postbox.is_away = False
    again = publication(books, database, postbox)
    assert await again.publish_outstanding()
    events = [m for m in desks[0].opened(postbox.sent) if isinstance(m, Event)]
    assert [m.event for m in events] == ["USER_CREATE", "USER_UPDATE"]
    assert events[0].record["fields"]["username"] == "ben"
    assert events[0].record["fields"]["password_hash"].startswith("$argon2id$")


async def test_publication_person_who_leaves_the_view_is_sent_without_hash(
    books: Any, desks: list[Desk], published: tuple[Publication, Postbox], admin: Actor
):
    one, postbox = published
    vera = await books.add_user("vera", "VIEWER")
    async with books.writing(admin) as records:
        await records.edit(Key.user_role(vera.user_id or "", books.roles["VIEWER"]), {"present": False})
    postbox.sent.clear()
    assert await one.publish_outstanding()
    last = [m for m in desks[0].opened(postbox.sent) if isinstance(m, Event)][-1]
    assert (last.event, last.record["id"]) == ("USER_UPDATE", vera.user_id)
    assert "password_hash" not in last.record["fields"]
    assert last.record["fields"]["username"] == "vera"


async def test_publication_revoked_device_gets_nothing(
    books: Any, desks: list[Desk], published: tuple[Publication, Postbox]
):
    one, postbox = published
    async with books.sessions.begin() as session:
        await session.execute(text("UPDATE devices SET revoked_at = now() WHERE client_id = 'D1'"))
    await books.add_user("ben", "VIEWER")
    assert await one.publish_outstanding()
    assert {topic.rpartition("/")[2] for topic, _ in postbox.sent} == {"D2"}


async def test_publication_many_outstanding_events_go_as_pages_with_the_views_digest(
    books: Any, desks: list[Desk], published: tuple[Publication, Postbox]
):
    one, postbox = published
    for number in range(MOST_EVENTS // 2 + 1):
        await books.add_user(f"p{number}", "VIEWER")
    assert await one.publish_outstanding()
    messages = desks[0].opened(postbox.sent)
    assert messages
    assert all(isinstance(m, Page) for m in messages)
    assert sum(len(m.records) for m in messages if isinstance(m, Page)) == 2 * (MOST_EVENTS // 2 + 1)


async def test_publication_of_many_pages_holds_each_record_once_for_all_devices(
    books: Any, published: tuple[Publication, Postbox], admin: Actor, monkeypatch: pytest.MonkeyPatch
):
    one, postbox = published
    desks = [await Desk(name, KEYS).enroll(books.sessions) for name in ("D3", "D4")]
    for number in range(MOST_EVENTS // 2 + 1):
        await books.add_user(f"p{number}", "VIEWER")
    async with books.writing(admin) as records:
        await records.edit(Key.setting("own", "D3"), {"config_value": 1})
    pages: list[Page] = []

    def sealed(page: Any, *rest: Any) -> tuple[str, bytes]:
        pages.append(page)
        return seal(page, *rest)

    monkeypatch.setattr("pulse_auth.domain.sync.publication.seal", sealed)
    assert await one.publish_outstanding()
    users = 2 * (MOST_EVENTS // 2 + 1)
    held = {page.aud: page.records for page in pages}
    assert {device: len(found) for device, found in held.items()} == {
        **dict.fromkeys(("D1", "D2", "D4"), users),
        "D3": users + 1,
    }
    assert len({id(record) for found in held.values() for record in found}) == users + 1
    (third,), (fourth,) = (desk.opened(postbox.sent) for desk in desks)
    assert isinstance(third, Page)
    assert isinstance(fourth, Page)
    assert third.version == fourth.version + 1
    assert [one["id"] for one in third.records if one not in fourth.records] == ["own/D3"]


async def test_publication_first_of_all_is_a_snapshot_that_has_its_digest(
    books: Any, database: Database, desks: list[Desk], admin: Actor
):
    postbox = Postbox()
    for number in range(MOST_EVENTS // 2):
        await books.add_user(f"p{number}", "VIEWER")
    assert await publication(books, database, postbox).publish_outstanding()
    parts = [m for m in desks[0].opened(postbox.sent) if isinstance(m, Snapshot)]
    held = {one.key: one for part in parts for one in map(from_wire, part.records)}
    assert digest(held) == parts[0].digest


async def test_tidied_log_still_leads_every_desktop_to_the_present(
    books: Any, desks: list[Desk], published: tuple[Publication, Postbox], admin: Actor
):
    one, postbox = published
    before = (await books.rows("SELECT version FROM record_version"))[0].version
    for number in range(3):
        async with books.writing(admin) as records:
            await records.edit(Key.setting("a"), {"config_value": number})
            await records.edit(Key.setting("b", "D1"), {"config_value": number})
        if number < 2:
            assert await one.publish_outstanding()
    books.move(8 * 86_400)
    await tidy(books.sessions, lambda: books.now)
    kept = await books.rows("SELECT version FROM change_log WHERE version > :before ORDER BY version", before=before)
    assert [row.version - before for row in kept] == [3, 4, 5, 6]
    async with snapshot(books.sessions) as (session, counter):
        pages = await answer(session, counter, DeviceViews(), Whereabouts("D1", counter.history, before))
    assert [(page.previous - before, page.version - before) for page in pages if isinstance(page, Page)] == [(0, 6)]
    postbox.sent.clear()
    assert await one.publish_outstanding()
    chain = [(m.previous - before, m.version - before) for m in desks[0].opened(postbox.sent) if isinstance(m, Event)]
    assert chain == [(4, 5), (5, 6)]


async def test_run_is_woken_by_a_commit_and_only_one_publisher_works(
    books: Any, database: Database, desks: list[Desk], published: tuple[Publication, Postbox]
):
    _, postbox = published
    first, second = publication(books, database, postbox), publication(books, database, Postbox())
    async with running(first):
        await eventually(lambda: first.reached is not None, what="the first publishes")
        async with running(second):
            await books.add_user("ben", "VIEWER")
            await eventually(lambda: len(postbox.sent) == 4, what="both devices got both events")
            assert second.reached is None


async def test_run_goes_on_after_its_connection_was_ended(
    books: Any, database: Database, desks: list[Desk], published: tuple[Publication, Postbox]
):
    _, postbox = published
    one = publication(books, database, postbox)
    async with running(one):
        await eventually(lambda: one.reached is not None, what="it publishes")
        connection = await asyncpg.connect(database.dsn())
        ended = await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        await connection.close()
        assert ended == 1
        await books.add_user("ben", "VIEWER")
        await eventually(lambda: len(postbox.sent) == 4, what="both devices got both events")
