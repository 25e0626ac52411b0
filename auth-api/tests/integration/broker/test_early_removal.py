"""A key is removed early where a broker learns of it late, as EMQX does: nobody comes back under it."""

from __future__ import annotations

import asyncio
import re
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from pulse_auth.clock import system_clock
from pulse_auth.commands import keys as command
from pulse_auth.keys.signing import Purpose, key_files, load_keys, make_key
from pulse_auth.settings import Settings
from support.database import Database
from support.processes import ROOT
from support.recorded_emqx import RecordedEmqx

REFRESH_S = 0.3
CLIENT = "PRESS-7"


class LateEmqx(RecordedEmqx):
    """Takes tokens under a key until *REFRESH_S* after the API has ceased to publish it; notes that at each kick."""

    def __init__(self) -> None:
        super().__init__()
        self.unpublished_at: float | None = None
        self.kicked: list[tuple[list[str], bool]] = []

    @property
    def knows_the_key(self) -> bool:
        return self.unpublished_at is None or time.monotonic() < self.unpublished_at + REFRESH_S

    def answer(self, method: str, target: str, authorization: str | None, body: Any) -> dict[str, Any]:
        if target.endswith("/kickout/bulk"):
            self.kicked.append((body, self.knows_the_key))
        return super().answer(method, target, authorization, body)


@dataclass
class Deployment:
    """Files, database and broker; *asked*: how often the API still publishes the key before it sees it go."""

    settings: Settings
    database: Database
    emqx: LateEmqx
    kid: str
    asked: list[int] = field(default_factory=lambda: [2])
    fetched_meanwhile: list[str] = field(default_factory=list)

    async def published(self, settings: Settings) -> set[str]:
        """Answer for the running API."""
        there = set[str]()
        for key in load_keys(settings.keys_dir).keys[Purpose.BROKER]:
            there.add(key.kid)
        if self.asked[0]:
            self.asked[0] -= 1
            while self.fetched_meanwhile:  # that API still signs with the key
                await _issue(self.database, self.kid, self.fetched_meanwhile.pop())
            return {*there, self.kid}
        if self.kid not in there and self.emqx.unpublished_at is None:
            self.emqx.unpublished_at = time.monotonic()
        return there

    def retire(self, *, early: str | None = None, yes: bool = True) -> int:
        given = Namespace(deed="retire", purpose=None, early=early, yes=yes)
        return command.run(given, self.settings)

    def files(self) -> list[str]:
        return [one.name for one in key_files(self.settings.keys_dir, Purpose.BROKER)]

    def audited(self) -> list[str]:
        async def ask() -> list[str]:
            connection = await asyncpg.connect(self.database.dsn())
            try:
                return [row[0] for row in await connection.fetch("SELECT entity_id FROM audit_log ORDER BY id")]
            finally:
                await connection.close()

        return asyncio.run(ask())


@pytest.fixture
def deployment(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    emqx = LateEmqx()
    (settings.home / "management-key").write_text("pulse:secret\n")
    changed = replace(settings, broker_api_url=emqx.url, broker_api_key_file=settings.home / "management-key")
    old = load_keys(changed.keys_dir).keys[Purpose.BROKER][0]
    make_key(changed.keys_dir, Purpose.BROKER)
    asyncio.run(_issue(database, old.kid))
    made = Deployment(changed, database, emqx, old.kid)
    monkeypatch.setattr(command, "_published", made.published)
    monkeypatch.setattr(command, "FORGOTTEN_S", 2 * REFRESH_S)
    monkeypatch.setattr(command, "ASK_EVERY_S", 0.02)
    yield made
    emqx.close()


async def _issue(database: Database, kid: str, client: str = CLIENT) -> None:
    connection = await asyncpg.connect(database.dsn())
    await connection.execute(
        "INSERT INTO issued_tokens (jti, kind, client_id, username, kid, issued_at, expires_at, acl)"
        " VALUES (gen_random_uuid(), 'device', $1, $1, $2, $3, $4, '[]')",
        client, kid, system_clock(), system_clock() + timedelta(hours=1),
    )  # fmt: skip
    await connection.close()


async def _forget_tokens(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn())
    await connection.execute("DELETE FROM issued_tokens")
    await connection.close()


def test_retire_early_cuts_at_once_and_again_when_the_broker_has_forgotten_the_key(deployment: Deployment) -> None:
    assert deployment.retire(early=deployment.kid) == 0
    assert deployment.emqx.kicked == [([CLIENT], True), ([CLIENT], False)]


def test_retire_early_also_cuts_who_fetched_a_token_under_the_key_after_the_first_cut(deployment: Deployment) -> None:
    deployment.fetched_meanwhile.append("web-new")
    assert deployment.retire(early=deployment.kid) == 0
    first, second = deployment.emqx.kicked
    assert first == ([CLIENT], True)
    assert (sorted(second[0]), second[1]) == ([CLIENT, "web-new"], False)


def test_retire_early_can_be_repeated_for_a_removed_key_without_known_tokens(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(_: Settings) -> set[str]:
        raise httpx.ConnectError("nobody is there")

    asyncio.run(_forget_tokens(deployment.database))
    with monkeypatch.context() as patched:
        patched.setattr(command, "_published", away)
        patched.setattr(command, "UNPUBLISHED_WITHIN_S", 0.2)
        assert deployment.retire(early=deployment.kid) == 1
    assert "repeat this command" in capsys.readouterr().out
    assert deployment.retire(early=deployment.kid, yes=False) == 1
    assert deployment.retire(early=deployment.kid) == 0
    told = capsys.readouterr().out
    assert "gone already; there are 0 tokens" in told
    assert "restart the broker now" in told


def test_retire_early_repeated_for_an_access_key_asks_no_broker(deployment: Deployment) -> None:
    make_key(deployment.settings.keys_dir, Purpose.ACCESS)
    first = load_keys(deployment.settings.keys_dir).keys[Purpose.ACCESS][0].kid
    assert [deployment.retire(early=first), deployment.retire(early=first)] == [0, 0]
    assert deployment.emqx.asked == []


def test_retire_early_waits_longer_than_emqx_takes_to_ask_again() -> None:
    text = (ROOT / "broker-config" / "emqx.conf").read_text(encoding="utf-8")
    asked = re.search(r"^\s*refresh_interval = (\d+)", text, re.MULTILINE)
    assert asked
    assert float(asked[1]) + 3 < command.FORGOTTEN_S


def test_retire_early_where_no_api_publishes_says_so_and_can_be_repeated(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(_: Settings) -> set[str]:
        raise httpx.ConnectError("nobody is there")

    with monkeypatch.context() as patched:
        patched.setattr(command, "_published", away)
        patched.setattr(command, "UNPUBLISHED_WITHIN_S", 0.2)
        assert deployment.retire(early=deployment.kid) == 1
    assert "start the API, then repeat this command" in capsys.readouterr().out
    assert deployment.files() == ["broker-2.pem"]
    assert deployment.retire(early=deployment.kid) == 0
    assert "gone already; there are 1 tokens" in capsys.readouterr().out
    assert deployment.emqx.kicked[-1] == ([CLIENT], False)
    assert deployment.audited() == [deployment.kid]


def test_retire_early_of_a_key_that_nobody_has_or_had_is_refused(deployment: Deployment) -> None:
    with pytest.raises(command.ConfigError, match="there is no key"):
        deployment.retire(early="nothing")


def test_retire_early_of_an_access_key_asks_no_broker(deployment: Deployment) -> None:
    make_key(deployment.settings.keys_dir, Purpose.ACCESS)
    first = load_keys(deployment.settings.keys_dir).keys[Purpose.ACCESS][0].kid
    assert deployment.retire(early=first) == 0
    assert deployment.emqx.asked == []


def test_key_stays_when_its_removal_cannot_be_written_down(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object, **__: object) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(command, "write_audit", failing)
        with pytest.raises(command.ConfigError):
            deployment.retire(early=deployment.kid)
    assert deployment.files() == ["broker-1.pem", "broker-2.pem"]


def test_removal_that_was_broken_off_goes_on_when_it_is_repeated(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenOff(BaseException):
        """As when the power fails: nothing catches it."""

    def unlinking(*_: object, **__: object) -> None:
        raise BrokenOff

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlinking)
        with pytest.raises(BrokenOff):
            deployment.retire(early=deployment.kid)
    assert deployment.audited() == [deployment.kid], "a key goes without a word"
    assert deployment.retire(early=deployment.kid) == 0
    assert deployment.files() == ["broker-2.pem"]
