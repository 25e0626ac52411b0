"""The management client where the broker fails in ways of its own; see ``test_recorded_answers`` for EMQX's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulse_auth.domain.broker_admin.client import FOREVER, BrokerAdmin, BrokerBan, BrokerUnavailableError
from pulse_auth.domain.broker_admin.enforcement import BanEnforcement

NOW = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
EXISTS = httpx.Response(400, json={"code": "ALREADY_EXISTS", "message": "The banned entry is already exist"})


class Emqx:
    """Answers as EMQX does and keeps the requests."""

    def __init__(self) -> None:
        self.bans: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v5")
        self.asked.append(f"{request.method} {path}")
        assert request.headers["authorization"].startswith("Basic ")
        match request.method, path:
            case "POST", "/banned":
                entry = json.loads(request.content)
                if entry["who"] in self.bans:
                    return EXISTS
                assert datetime.fromisoformat(entry["until"]).tzinfo is not None
                self.bans[entry["who"]] = entry | {"at": "2026-11-21T18:19:17+00:00"}
                return httpx.Response(200, json=self.bans[entry["who"]])
            case "GET", "/banned":
                meta = {"count": len(self.bans), "limit": 1_000, "page": 1}
                return httpx.Response(200, json={"data": list(self.bans.values()), "meta": meta})
            case "POST", "/clients/kickout/bulk":
                return httpx.Response(204)
            case "DELETE", _:
                known = self.bans.pop(path.rpartition("/")[2], None)
                return httpx.Response(204) if known else httpx.Response(404, json={"code": "NOT_FOUND"})
        return httpx.Response(404, json={"code": "NOT_FOUND"})


@pytest.fixture
def emqx() -> Emqx:
    return Emqx()


@pytest.fixture
def admin(tmp_path: Path) -> Callable[[Any], BrokerAdmin]:
    key = tmp_path / "key"
    key.write_text("key:secret\n")
    return lambda answer: BrokerAdmin("http://127.0.0.1:1/api/v5", key, httpx.MockTransport(answer))


def ban(who: str, until: datetime = FOREVER) -> BrokerBan:
    return BrokerBan("clientid", who, "rights were taken away", "user:admin", until)


async def test_ban_tells_whether_it_is_new_and_lists_with_its_end(emqx: Emqx, admin: Any) -> None:
    broker = admin(emqx)
    until = NOW + timedelta(minutes=15)
    assert await broker.ban(ban("web:1", until))
    assert not await broker.ban(ban("web:1", until))
    emqx.bans["by-hand"] = {"as": "username", "who": "by-hand", "until": "infinity"}
    assert await broker.banned_client_ids() == {"web:1": until}
    await broker.unban("clientid", "web:1")
    await broker.unban("clientid", "web:1")
    assert emqx.bans.keys() == {"by-hand"}


async def test_apply_bans_all_before_it_kicks_and_writes_another_end_anew(emqx: Emqx, admin: Any) -> None:
    sessions: Any = None
    bans = BanEnforcement(sessions, admin(emqx), lambda: NOW)
    emqx.bans["web:0"] = {"as": "clientid", "who": "web:0", "until": "2026-01-01T00:00:00+00:00"}
    wanted = [ban(f"web:{number}", NOW + timedelta(hours=1)) for number in range(20)]
    assert await bans.apply(banned=wanted, kick=[one.who for one in wanted])
    assert emqx.asked[-1] == "POST /clients/kickout/bulk"
    assert emqx.asked.count("POST /clients/kickout/bulk") == 1
    assert emqx.bans["web:0"]["until"] == "2026-02-07T11:00:00Z"
    assert len(emqx.bans) == 20


@pytest.mark.parametrize(
    "answer",
    [
        *(
            httpx.Response(401, json={"code": "BAD_API_KEY_OR_SECRET"}),
            httpx.Response(500),
            httpx.Response(200, text="x"),
        ),
        *(httpx.Response(400, json={"code": "BAD_REQUEST"}), httpx.Response(400, text="no JSON"), EXISTS),
    ],
)
async def test_apply_an_answer_that_is_not_understood_leaves_it_for_later_unless_it_is_done(
    admin: Any, answer: httpx.Response
) -> None:
    sessions: Any = None
    bans = BanEnforcement(sessions, admin(lambda _request: answer), lambda: NOW)
    assert not await bans.apply(banned=[ban("web:1")], kick=["web:1"])
    assert bans.behind


async def test_apply_with_a_broker_away_asks_no_more_once_it_knows(admin: Any) -> None:
    sessions: Any = None
    asked = []

    async def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        await asyncio.sleep(0.01)  # as far away as a broker is
        return httpx.Response(500)

    bans = BanEnforcement(sessions, admin(refuse), lambda: NOW)
    assert not await bans.apply(banned=[ban(f"web:{number}") for number in range(60)], kick=["web:1"])
    assert len(asked) <= 16


async def test_apply_with_a_broker_that_hangs_returns_within_its_bound(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("pulse_auth.domain.broker_admin.enforcement.APPLY_WITHIN_S", 0.1)
    sessions: Any = None
    bans = BanEnforcement(sessions, admin(hang), lambda: NOW)
    async with asyncio.timeout(5):
        done = await asyncio.gather(*(bans.apply(banned=[ban(f"web:{who}")], kick=[]) for who in range(3)))
    assert (done, bans.behind) == ([False] * 3, True)


async def test_kick_of_thousands_is_several_calls_of_a_size_that_the_broker_takes(admin: Any) -> None:
    parts: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        parts.append(json.loads(request.content))
        return httpx.Response(204)

    who = [f"web:{number}" for number in range(2_500)]
    await admin(answer).kick(who)
    assert [len(part) for part in parts] == [1_000, 1_000, 500]
    assert [one for part in parts for one in part] == who


async def test_list_of_several_pages_is_read_whole(admin: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        entry = {"as": "clientid", "who": f"web:{page}", "until": "infinity"}
        return httpx.Response(200, json={"data": [entry], "meta": {"page": page, "hasnext": page < 3}})

    assert (await admin(answer).banned_client_ids()).keys() == {"web:1", "web:2", "web:3"}


async def test_list_that_cannot_be_read_is_an_outage(admin: Any) -> None:
    for body in ([], {"data": [{"who": "x"}]}, {"data": [{"as": "clientid", "who": "x", "until": "soon"}]}):
        with pytest.raises(BrokerUnavailableError):
            await admin(lambda _request, body=body: httpx.Response(200, json=body)).banned_client_ids()
