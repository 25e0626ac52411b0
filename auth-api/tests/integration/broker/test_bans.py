"""Bans from the table on a real broker: made, lifted, forgotten by the broker, made while it was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from pulse_auth.clock import system_clock
from pulse_auth.db.models import Ban, Device
from pulse_auth.db.session import Sessions
from pulse_auth.domain.broker_admin.client import BrokerAdmin, BrokerBan, BrokerUnavailableError
from pulse_auth.domain.broker_admin.enforcement import FOREVER, BanEnforcement, drop_ban, store_ban
from pulse_auth.domain.broker_tokens.services import BrokerToken
from pulse_auth.domain.presence.link import Credentials, LinkRefusedError, Retained, open_link

Mint = Callable[..., Awaitable[BrokerToken]]
OWN = "svc:auth-api:1"
WILL = Retained("system/auth-api/1/status", b"{}")


def ban(who: str = OWN, **changes: Any) -> BrokerBan:
    return BrokerBan(
        **{"banned_as": "clientid", "who": who, "reason": "test", "by": "user:a", "until": FOREVER} | changes
    )


@pytest.fixture
async def admin(stopped_broker: Any) -> AsyncIterator[BrokerAdmin]:
    made = BrokerAdmin(stopped_broker.settings.broker_api_url, stopped_broker.settings.broker_api_key_file)
    yield made
    await made.close()


@pytest.fixture
def bans(sessions: Sessions, admin: BrokerAdmin) -> BanEnforcement:
    return BanEnforcement(sessions, admin, system_clock)


async def connects(broker: Any, token: BrokerToken) -> bool:
    who = Credentials(token.client_id, token.username, token.password)
    try:
        link = await open_link(broker.settings.mqtts_url, broker.settings.ca_file, who, WILL)
    except LinkRefusedError:
        return False
    await link.close()
    return True


async def test_apply_ban_cuts_the_session_and_keeps_it_out_until_lifted(
    broker: Any, bans: BanEnforcement, mint: Mint
) -> None:
    token = await mint()
    who = Credentials(token.client_id, token.username, token.password)
    link = await open_link(broker.settings.mqtts_url, broker.settings.ca_file, who, WILL)
    assert await bans.apply(banned=[ban()], kick=[OWN])
    await asyncio.wait_for(link.lost.wait(), 5)
    await link.close()
    assert not await connects(broker, token)
    assert await bans.apply(unbanned=[OWN], kick=[])
    assert await connects(broker, token)


async def test_apply_with_the_broker_away_says_so_and_rewrite_does_it_later(
    stopped_broker: Any, bans: BanEnforcement, mint: Mint, sessions: Sessions
) -> None:
    token = await mint()
    async with sessions.begin() as session:
        await store_ban(session, ban())
    assert not await bans.apply(banned=[ban()], kick=[OWN])
    await asyncio.to_thread(stopped_broker.start)
    assert await connects(stopped_broker, token)
    task = asyncio.create_task(bans.run())
    for _ in range(100):
        if not await connects(stopped_broker, token):
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not await connects(stopped_broker, token)


async def test_apply_of_a_shorter_ban_replaces_the_longer_one(
    broker: Any, admin: BrokerAdmin, bans: BanEnforcement
) -> None:
    await bans.apply(banned=[ban()], kick=[])
    until = system_clock() + timedelta(minutes=5)
    await bans.apply(banned=[ban(until=until)], kick=[])
    listed = (await admin._call("GET", "/banned", expected={200})).json()["data"]
    assert [entry["until"][:16] for entry in listed] == [until.isoformat()[:16]]


async def test_rewrite_lifts_and_shortens_what_the_broker_was_not_told_of(
    stopped_broker: Any, admin: BrokerAdmin, bans: BanEnforcement, sessions: Sessions
) -> None:
    await asyncio.to_thread(stopped_broker.start)
    until = system_clock().replace(microsecond=0) + timedelta(minutes=5)
    keys = {"signing_key": {}, "encryption_key": {}, "enrolled_by": "user:a", "enrolled_at": system_clock()}
    async with sessions.begin() as session:
        session.add(Device(client_id="back", **keys))
        session.add(Device(client_id="gone", **keys, revoked_at=system_clock(), revoked_by="user:a"))
        await store_ban(session, ban("shorter", until=until))
    for who in ("back", "gone", "shorter", "by-hand"):
        await admin.ban(ban(who))
    assert await bans.rewrite()
    assert await admin.banned_client_ids() == {"gone": FOREVER, "by-hand": FOREVER, "shorter": until}


async def test_rewrite_finds_who_is_let_in_again_among_tens_of_thousands(
    admin: BrokerAdmin, bans: BanEnforcement, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"signing_key": {}, "encryption_key": {}, "enrolled_by": "user:a", "enrolled_at": system_clock()}
    async with sessions.begin() as session:
        session.add(Device(client_id="back", **keys))
    standing = {**{f"web:{number}": FOREVER for number in range(40_000)}, "back": FOREVER}
    lifted: list[tuple[str, str]] = []

    async def listed() -> dict[str, datetime]:
        return standing

    async def lift(*what: str) -> None:
        lifted.append(what)

    monkeypatch.setattr(admin, "banned_client_ids", listed)
    monkeypatch.setattr(admin, "unban", lift)
    assert await bans.rewrite()
    assert lifted == [("clientid", "back")]


async def test_rewrite_leaves_what_stands_alone_and_lets_a_new_ban_in_between_the_rest(
    broker: Any, admin: BrokerAdmin, bans: BanEnforcement, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions.begin() as session:
        for number in range(200):
            await store_ban(session, ban(f"web:{number}", until=system_clock() + timedelta(minutes=5)))
    written, began, make = [], asyncio.Event(), admin.ban

    async def note(one: BrokerBan) -> bool:
        written.append(one.who)
        began.set()
        return await make(one)

    monkeypatch.setattr(admin, "ban", note)
    # What counts is its place in the order.
    monkeypatch.setattr("pulse_auth.domain.broker_admin.enforcement.APPLY_WITHIN_S", 15.0)
    rewriting = asyncio.create_task(bans.rewrite())
    await began.wait()
    assert await bans.apply(banned=[ban("urgent")], kick=["urgent"])
    assert await rewriting
    assert written.index("urgent") < 100
    assert len(written) == 201
    assert await bans.rewrite()
    assert len(written) == 201


async def test_rewrite_forgets_bans_that_have_run_out(broker: Any, bans: BanEnforcement, sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await store_ban(session, ban("D1", until=system_clock() - timedelta(seconds=1)))
        await store_ban(session, ban("D2"))
        await store_ban(session, ban("D2", reason="again"))
        await store_ban(session, ban("D3"))
        await drop_ban(session, "clientid", "D3")
    assert await bans.rewrite()
    assert await bans.rewrite()
    async with sessions() as session:
        assert (await session.execute(select(Ban.who, Ban.reason))).all() == [("D2", "again")]
        assert await session.scalar(select(func.count()).select_from(Ban)) == 1


async def test_admin_with_a_wrong_or_missing_key_is_unavailable(broker: Any, tmp_path: Any) -> None:
    key = tmp_path / "key"
    wrong = BrokerAdmin(broker.settings.broker_api_url, key)
    with pytest.raises(BrokerUnavailableError, match="FileNotFoundError"):
        await wrong.kick(["a"])
    for content, reason in (("no colon", "ValueError"), ("some:thing", "401")):
        key.write_text(content)
        with pytest.raises(BrokerUnavailableError, match=reason):
            await wrong.kick(["a"])
    await wrong.close()


async def test_admin_unban_and_kick_of_strangers_is_no_error(broker: Any, admin: BrokerAdmin) -> None:
    await admin.unban("clientid", "web:1/#?")
    await admin.kick(["nobody"])
    await admin.kick([])
    assert await admin.banned_client_ids() == {}
