"""The service's own status on a real broker: first word, last word, outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from pulse_acl.rules import Rule
from pulse_auth.clock import system_clock
from pulse_auth.db.session import Sessions, make_engine, make_sessions
from pulse_auth.domain.broker_tokens.services import BrokerToken
from pulse_auth.domain.presence.link import Credentials, LinkRefusedError, Retained, open_link
from pulse_auth.domain.presence.publisher import OwnToken, StatusPublisher, Surroundings, backoff_s
from pulse_auth.domain.presence.status import StatusSource
from support.waiting import eventually
from support.watcher import Watcher

Mint = Callable[..., Awaitable[BrokerToken]]
TOPIC = "system/auth-api/1/status"


@dataclass
class Service:
    """A publisher that runs, and what became of it."""

    publisher: StatusPublisher
    task: asyncio.Task[None]
    minted: list[BrokerToken] = field(default_factory=list)
    connected: list[int] = field(default_factory=list)


@asynccontextmanager
async def running(broker: Any, sessions: Sessions, mint: Mint) -> AsyncIterator[Service]:
    minted: list[BrokerToken] = []
    connected: list[int] = []

    async def own_token() -> OwnToken:
        token = await mint()
        minted.append(token)
        credentials = Credentials(token.client_id, token.username, token.password)
        return OwnToken(credentials, token.issued_at + timedelta(minutes=30))

    status = StatusSource("1", "0.1.0", system_clock(), sessions)
    around = Surroundings(broker.settings.mqtts_url, broker.settings.ca_file, own_token, system_clock, lambda: 0.1)
    publisher = StatusPublisher(status, around, lambda: connected.append(1))
    task = asyncio.create_task(publisher.run())
    try:
        yield Service(publisher, task, minted, connected)
    finally:
        if not task.cancelling():  # a second time would cut its farewell off
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def watch(broker: Any, token: BrokerToken) -> Watcher:
    settings = broker.settings
    opened = {
        "client_id": token.client_id,
        "username": token.username,
        "password": token.password,
        "mqtts_url": settings.mqtts_url,
    }
    # Of the stack the watcher needs the folder with the CA's certificate only.
    return Watcher(settings, ["system/+/+/status"], opened)


def last_status(watcher: Watcher) -> str | None:
    found = watcher.messages(TOPIC)
    return found[-1][1]["status"] if found else None


async def viewer(mint: Mint, rules: tuple[Rule, ...]) -> BrokerToken:
    return await mint("web:1", "user:viewer", rules)


async def test_publisher_with_all_well_keeps_a_retained_online_and_ends_with_offline(
    broker: Any, sessions: Sessions, mint: Mint, viewer_rules: tuple[Rule, ...]
) -> None:
    token = await viewer(mint, viewer_rules)
    async with running(broker, sessions, mint) as service:
        await eventually(lambda: service.publisher.connected, what="connected")
        with await asyncio.to_thread(watch, broker, token) as watcher:
            await eventually(lambda: last_status(watcher) == "ONLINE", what="ONLINE is kept for who comes later")
            said = watcher.messages(TOPIC)[0][1]
            assert said["checks"] == {"database": "ok", "broker": "ok"}
            assert (said["service"], said["instance"], said["version"]) == ("auth-api", "1", "0.1.0")
            assert said["history"]
            assert said["started_at"] <= said["at"]
            service.task.cancel()
            await eventually(lambda: last_status(watcher) == "OFFLINE", what="OFFLINE is its last word")
    assert len(service.minted) == 1


async def test_publisher_cut_off_is_declared_offline_by_the_broker_and_comes_back(
    broker: Any, sessions: Sessions, mint: Mint, viewer_rules: tuple[Rule, ...]
) -> None:
    token = await viewer(mint, viewer_rules)
    with await asyncio.to_thread(watch, broker, token) as watcher:
        async with running(broker, sessions, mint) as service:
            await eventually(lambda: last_status(watcher) == "ONLINE", what="ONLINE")
            service.publisher._link._client._connection._transport.abort()  # type: ignore[union-attr]
            await eventually(
                lambda: [m[1]["status"] for m in watcher.messages(TOPIC)][-2:] == ["OFFLINE", "ONLINE"],
                what="the will, and then ONLINE again",
            )
            assert len(service.connected) == 2


async def test_publisher_started_before_the_broker_connects_when_it_comes_and_after_a_crash(
    stopped_broker: Any, sessions: Sessions, mint: Mint
) -> None:
    async with running(stopped_broker, sessions, mint) as service:
        await eventually(lambda: service.minted, what="it has tried")
        assert not service.publisher.connected
        await asyncio.to_thread(stopped_broker.start)
        await eventually(lambda: service.publisher.connected, what="connected")
        await asyncio.to_thread(stopped_broker.program.kill9)
        await eventually(lambda: not service.publisher.connected, what="it notices")
        await asyncio.to_thread(stopped_broker.start)
        await eventually(lambda: len(service.connected) == 2, what="connected again")


async def test_publisher_with_the_database_away_says_degraded(
    broker: Any, mint: Mint, viewer_rules: tuple[Rule, ...]
) -> None:
    engine = make_engine("postgresql://nobody:nothing@127.0.0.1:1/none")
    token = await viewer(mint, viewer_rules)
    with await asyncio.to_thread(watch, broker, token) as watcher:
        async with running(broker, make_sessions(engine), mint):
            await eventually(lambda: last_status(watcher) == "DEGRADED", what="DEGRADED")
            assert watcher.messages(TOPIC)[-1][1]["checks"]["database"] == "away"
    await engine.dispose()


async def test_open_link_with_another_client_id_than_the_tokens_is_refused(broker: Any, mint: Mint) -> None:
    token = await mint()
    stranger = Credentials("svc:auth-api:2", token.username, token.password)
    with pytest.raises(LinkRefusedError):
        await open_link(broker.settings.mqtts_url, broker.settings.ca_file, stranger, Retained(TOPIC, b"{}"))


@pytest.mark.parametrize(("failures", "longest"), [(1, 1.0), (2, 2.0), (4, 8.0), (5, 15.0), (500, 15.0)])
def test_backoff_doubles_up_to_its_bound_with_full_jitter(failures: int, longest: float) -> None:
    assert backoff_s(failures, 1.0) == longest
    assert backoff_s(failures, 0.0) == 0.0
