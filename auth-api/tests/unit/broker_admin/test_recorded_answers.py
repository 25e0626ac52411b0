"""The management client over real HTTP, against the answers that a real EMQX 5.8.9 was recorded to give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pulse_auth.domain.broker_admin.client import (
    FOREVER,
    LISTED_AT_ONCE,
    BrokerAdmin,
    BrokerBan,
    BrokerUnavailableError,
)
from pulse_auth.domain.broker_admin.enforcement import BanEnforcement
from support.recorded_emqx import RecordedEmqx, recorded_emqx

NOW = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
NONE: Any = None


@pytest.fixture
def emqx() -> Iterator[RecordedEmqx]:
    with recorded_emqx() as made:
        yield made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text("pulse:secret\n")
    return file


@pytest.fixture
async def broker(emqx: RecordedEmqx, key_file: Path) -> AsyncIterator[BrokerAdmin]:
    made = BrokerAdmin(emqx.url, key_file)
    yield made
    await made.close()


def ban(who: str, until: datetime = FOREVER) -> BrokerBan:
    return BrokerBan("clientid", who, "rights were taken away", "user:admin", until)


async def test_ban_is_made_once_listed_with_its_end_and_lifted(emqx: RecordedEmqx, broker: BrokerAdmin) -> None:
    until = NOW + timedelta(minutes=15)
    assert await broker.ban(ban("web:a/b?#", until))
    assert not await broker.ban(ban("web:a/b?#", NOW))
    assert await broker.banned_client_ids() == {"web:a/b?#": until}
    await broker.unban("clientid", "web:a/b?#")
    await broker.unban("clientid", "web:a/b?#")
    assert await broker.banned_client_ids() == {}
    (_, _, first), *_rest = emqx.asked
    assert first == {
        "as": "clientid",
        "who": "web:a/b?#",
        "reason": "rights were taken away",
        "by": "user:admin",
        "until": "2026-02-07T10:15:00Z",
    }


async def test_ban_without_end_and_by_other_kinds_are_told_apart(emqx: RecordedEmqx, broker: BrokerAdmin) -> None:
    emqx.bans.append({"as": "clientid", "who": "for-ever", "until": "infinity"})
    emqx.bans.append({"as": "clientid_re", "who": "^a", "until": "infinity"})
    assert await broker.banned_client_ids() == {"for-ever": FOREVER}


async def test_list_of_several_pages_without_a_word_of_a_next_one_is_read_whole(
    emqx: RecordedEmqx, broker: BrokerAdmin
) -> None:
    count = 2 * LISTED_AT_ONCE + 1
    emqx.bans += [{"as": "clientid", "who": f"web:{number}", "until": "infinity"} for number in range(count)]
    assert len(await broker.banned_client_ids()) == count
    assert len(emqx.asked) == 3
    del emqx.bans[LISTED_AT_ONCE:]
    emqx.asked.clear()
    assert len(await broker.banned_client_ids()) == LISTED_AT_ONCE
    assert len(emqx.asked) == 1


async def test_kick_of_several_is_one_call_also_when_some_are_not_there(
    emqx: RecordedEmqx, broker: BrokerAdmin
) -> None:
    await broker.kick(["web:1", "nobody"])
    await broker.kick([])
    assert emqx.asked == [("POST", "/clients/kickout/bulk", ["web:1", "nobody"])]


@pytest.mark.parametrize(
    ("content", "told"),
    [("pulse:wrong", "BAD_API_KEY_OR_SECRET"), ("no colon", "ValueError"), (None, "FileNotFoundError")],
)
async def test_key_that_is_wrong_or_missing_is_named_with_its_file(
    broker: BrokerAdmin, key_file: Path, content: str | None, told: str
) -> None:
    key_file.unlink() if content is None else key_file.write_text(content)
    with pytest.raises(BrokerUnavailableError, match=told) as raised:
        await broker.kick(["web:1"])
    assert content != "pulse:wrong" or str(key_file) in str(raised.value)
    key_file.write_text("pulse:secret")
    await broker.kick(["web:1"])


@pytest.mark.parametrize(
    "garbled",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["closed", "cut off", "503", "elsewhere", "no JSON", "no HTTP"],
)
async def test_answer_that_is_none_of_emqxs_is_an_outage_and_the_next_call_works(
    emqx: RecordedEmqx, broker: BrokerAdmin, garbled: bytes
) -> None:
    emqx.garbled = garbled
    with pytest.raises(BrokerUnavailableError):
        await broker.banned_client_ids()
    emqx.garbled = None
    assert await broker.banned_client_ids() == {}


async def test_broker_that_was_started_anew_is_asked_over_a_new_connection(key_file: Path) -> None:
    with recorded_emqx() as first:
        broker, port = BrokerAdmin(first.url, key_file), first.port
        assert await broker.ban(ban("web:1"))
    with pytest.raises(BrokerUnavailableError, match="is away"):
        await broker.kick(["web:1"])
    with recorded_emqx(port=port):
        assert await broker.ban(ban("web:1"))
    await broker.close()


async def test_enforcement_writes_another_end_anew_and_kicks_last(emqx: RecordedEmqx, broker: BrokerAdmin) -> None:
    bans = BanEnforcement(NONE, broker, lambda: NOW)
    await broker.ban(ban("web:0", NOW))
    wanted = [ban(f"web:{number}", NOW + timedelta(hours=1)) for number in range(20)]
    emqx.asked.clear()
    assert await bans.apply(banned=wanted, kick=[one.who for one in wanted])
    assert await broker.banned_client_ids() == {one.who: one.until for one in wanted}
    assert [path for _, path, _ in emqx.asked].index("/clients/kickout/bulk") == 22  # 20 bans, one lifted, one again
