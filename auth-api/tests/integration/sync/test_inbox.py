"""Changes from desktops on a real database: judged when handled, answered once, and drawn consequences from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_auth.domain.access.consequences import Consequences
from pulse_auth.domain.broker_admin.enforcement import BanEnforcement
from pulse_auth.domain.sync.inbox import AfterCommit, Inbox
from pulse_auth.domain.sync.writing import Actor, RecordEvent
from pulse_sync.envelopes import Key as CryptoKey
from pulse_sync.messages import Answer
from pulse_sync.records import Key, Kind
from support.sync_desk import Desk, fresh_keys

KEYS = fresh_keys()
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"


class Drawn:
    """Takes note of the consequences that the inbox asks for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Actor, list[Key]]] = []
        self.after_commit = 0
        self.breaks = self.breaks_afterwards = False

    async def __call__(self, _session: AsyncSession, actor: Actor, events: Sequence[RecordEvent]) -> AfterCommit | None:
        if self.breaks:
            raise ZeroDivisionError
        self.asked.append((actor, [event.key for event in events]))

        async def after() -> None:
            self.after_commit += 1
            if self.breaks_afterwards:
                raise ZeroDivisionError

        return after


@pytest.fixture
def drawn() -> Drawn:
    return Drawn()


@pytest.fixture
def inbox(books: Any, drawn: Drawn) -> Inbox:
    return Inbox(books.sessions, lambda: books.now, CryptoKey(KEYS.encryption_jwk()), drawn)


@pytest.fixture
async def desk(books: Any, admin: Actor) -> Desk:
    made = await Desk("D1", KEYS).enroll(books.sessions)
    assert admin.user_id is not None
    await made.sign_in(books.sessions, admin.user_id)
    return made


async def handled(inbox: Inbox, desk: Desk, payload: bytes) -> Answer:
    found = await inbox.handle(desk.client_id, payload)
    assert found is not None
    assert found[0].client_id == desk.client_id
    return found[1]


def now_of(books: Any, seconds: float = 1) -> str:
    return format_time(books.now + timedelta(seconds=seconds))


async def test_inbox_applied_change_has_consequences_once_and_the_same_answer_again(
    books: Any, inbox: Inbox, desk: Desk, drawn: Drawn, admin: Actor
):
    change = desk.change(Key.setting("line"), "config_value", 7, at=now_of(books))
    payload = desk.seal(change)
    first = await handled(inbox, desk, payload)
    books.move(60)
    again = await asyncio.gather(*(handled(inbox, desk, payload) for _ in range(3)))
    assert first.status == "APPLIED"
    assert all(msgspec.structs.asdict(one) == msgspec.structs.asdict(first) for one in again)
    actor = Actor("user:ada", admin.user_id, "desktop:D1")
    assert drawn.asked == [(actor, [Key.setting("line")])]
    assert drawn.after_commit == 1
    assert len(await books.rows("SELECT 1 FROM sync_log WHERE entity_id = 'line/'")) == 1


async def test_inbox_repeated_at_once_is_applied_once(books: Any, inbox: Inbox, desk: Desk, drawn: Drawn):
    payload = desk.seal(desk.change(Key.setting("line"), "config_value", 7, at=now_of(books)))
    answers = await asyncio.gather(*(handled(inbox, desk, payload) for _ in range(5)))
    assert {one.version for one in answers} == {answers[0].version}
    assert len(drawn.asked) == 1


async def test_inbox_change_of_who_lost_the_right_meanwhile_is_refused_S4(  # noqa: N802
    books: Any, inbox: Inbox, desk: Desk, admin: Actor
):
    await books.add_user("zoe", "ADMIN")
    payload = desk.seal(desk.change(Key.setting("line"), "config_value", 7, at=now_of(books)))
    async with books.writing() as records:
        await records.edit(Key.user_role(admin.user_id or "", books.roles["VIEWER"]), {"present": True})
        await records.edit(Key.user_role(admin.user_id or "", books.roles["ADMIN"]), {"present": False})
    answer = await handled(inbox, desk, payload)
    assert (answer.status, answer.reason) == ("REFUSED", "NOT_ALLOWED")
    assert await books.rows("SELECT 1 FROM system_config") == []


async def test_inbox_person_deactivated_or_with_another_password_has_no_key(
    books: Any, inbox: Inbox, desk: Desk, admin: Actor
):
    zoe = await books.add_user("zoe", "ADMIN")
    async with books.writing(zoe) as records:
        await records.edit(Key.user(admin.user_id or ""), {"password_hash": HASH})
    answer = await handled(
        inbox, desk, desk.seal(desk.change(Key.setting("line"), "config_value", 7, at=now_of(books)))
    )
    assert (answer.status, answer.reason) == ("REFUSED", "KEY_ENDED")


async def test_inbox_change_behind_an_unanswered_one_waits(books: Any, inbox: Inbox, desk: Desk):
    first, second = (desk.change(Key.setting("n"), "config_value", n, at=now_of(books, n)) for n in (1, 2))
    assert await inbox.handle("D1", desk.seal(second, after=first.change_id)) is None
    assert (await handled(inbox, desk, desk.seal(first))).status == "APPLIED"
    answer = await handled(inbox, desk, desk.seal(second, after=first.change_id))
    assert (answer.status, answer.reason) == ("APPLIED", None)


async def test_inbox_refused_creation_takes_what_hangs_on_it_along(books: Any, inbox: Inbox, desk: Desk):
    taken = Key(Kind.USER, "00000000-0000-4000-8000-000000000001")
    made = desk.change(taken, "*", {"username": "ADA", "password_hash": HASH}, at=now_of(books))
    hanging = desk.change(Key.user_role(taken.id, books.roles["VIEWER"]), "present", True, at=now_of(books))
    deeper = desk.change(taken, "username", "ada2", at=now_of(books))
    answers = [await handled(inbox, desk, desk.seal(one)) for one in (made, hanging, deeper)]
    assert [one.reason for one in answers] == ["NAME_TAKEN", "RECORD_REFUSED", "RECORD_REFUSED"]


async def test_inbox_user_made_on_a_desktop_has_to_change_the_password_as_one_made_at_the_web(books: Any, desk: Desk):
    no_broker: Any = None  # nobody has a token that would have to end
    consequences = Consequences(BanEnforcement(books.sessions, no_broker, lambda: books.now), lambda: books.now)
    inbox = Inbox(books.sessions, lambda: books.now, CryptoKey(KEYS.encryption_jwk()), consequences)
    new = Key(Kind.USER, "00000000-0000-4000-8000-000000000003")
    made = desk.change(new, "*", {"username": "new", "password_hash": HASH}, at=now_of(books))
    assert (await handled(inbox, desk, desk.seal(made))).status == "APPLIED"
    renamed = desk.change(new, "username", "newer", at=now_of(books, 2))
    assert (await handled(inbox, desk, desk.seal(renamed, after=made.change_id))).status == "APPLIED"
    people = await books.rows("SELECT username, must_change_password FROM users ORDER BY username")
    assert people == [("ada", False), ("newer", True)]


async def test_inbox_what_hangs_on_a_creation_that_was_not_allowed_is_one_with_it(books: Any, inbox: Inbox, desk: Desk):
    vera = await books.add_user("vera", "VIEWER")
    other = await Desk("D2", KEYS).enroll(books.sessions)
    await other.sign_in(books.sessions, vera.user_id)
    new = Key(Kind.USER, "00000000-0000-4000-8000-000000000002")
    made = other.change(new, "*", {"username": "new", "password_hash": HASH}, at=now_of(books))
    hanging = other.change(Key.user_role(new.id, books.roles["VIEWER"]), "present", True, at=now_of(books))
    answers = [await handled(inbox, other, other.seal(one)) for one in (made, hanging)]
    assert [one.reason for one in answers] == ["NOT_ALLOWED", "RECORD_REFUSED"]


async def test_inbox_fault_of_ours_is_answered_as_failed_and_the_next_goes_on(
    books: Any, inbox: Inbox, desk: Desk, drawn: Drawn
):
    drawn.breaks = True
    bad = desk.change(Key.setting("line"), "config_value", 7, at=now_of(books))
    answer = await handled(inbox, desk, desk.seal(bad))
    assert (answer.status, answer.reason) == ("FAILED", "INTERNAL")
    drawn.breaks = False
    assert (await handled(inbox, desk, desk.seal(bad))).status == "FAILED"
    assert await books.rows("SELECT 1 FROM system_config") == []
    good = desk.change(Key.setting("line"), "config_value", 8, at=now_of(books))
    assert (await handled(inbox, desk, desk.seal(good, after=bad.change_id))).status == "APPLIED"


async def test_inbox_consequence_that_fails_after_the_commit_leaves_the_change_applied(
    books: Any, inbox: Inbox, desk: Desk, drawn: Drawn
):
    drawn.breaks_afterwards = True
    change = desk.change(Key.setting("line"), "config_value", 7, at=now_of(books))
    assert (await handled(inbox, desk, desk.seal(change))).status == "APPLIED"
    assert drawn.after_commit == 1
    assert len(await books.rows("SELECT 1 FROM system_config WHERE config_key = 'line'")) == 1


async def test_inbox_another_devices_change_id_is_refused_and_tells_nothing(books: Any, inbox: Inbox, desk: Desk):
    other = await Desk("D2", KEYS).enroll(books.sessions)
    await other.sign_in(books.sessions, desk.author_id)
    first = desk.change(Key.setting("line"), "config_value", 7, at=now_of(books))
    await handled(inbox, desk, desk.seal(first))
    copied = other.change(Key.setting("line"), "config_value", 9, at=now_of(books), change_id=first.change_id)
    answer = await handled(inbox, other, other.seal(copied))
    assert (answer.status, answer.reason, answer.version) == ("REFUSED", "MALFORMED", None)


async def test_inbox_unknown_or_revoked_device_is_not_answered(books: Any, inbox: Inbox, desk: Desk):
    change = desk.change(Key.setting("line"), "config_value", 7, at=now_of(books))
    assert await inbox.handle("D9", desk.seal(change)) is None
    async with books.sessions.begin() as session:
        await session.execute(text("UPDATE devices SET revoked_at = now()"))
    assert await inbox.handle("D1", desk.seal(change)) is None
    rows = await books.rows("SELECT error_message FROM sync_log WHERE entity_type = 'envelope'")
    assert [row.error_message for row in rows] == ["not an enrolled device"] * 2
