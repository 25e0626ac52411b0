"""Keys change under a running API and broker: nobody is thrown out, but by an early removal the right ones."""

from __future__ import annotations

import asyncio
import json
import os
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from pulse_auth.commands import keys as command
from pulse_auth.keys.signing import ANNOUNCED_S
from support.database import Database
from support.waiting import eventually

LONG_AGO_S = ANNOUNCED_S + 3_600


async def keys(api: Any, *words: str, **options: Any) -> int:
    """Do what ``pulse-auth-api keys`` does; it has a loop of its own."""
    given: dict[str, Any] = {"deed": words[0], "purpose": None, "early": None, "yes": False, **options}
    return await asyncio.to_thread(command.run, Namespace(**given), api.settings)


async def key_ids(api: Any) -> set[str]:
    return {key["kid"] for key in (await api.client.get("/.well-known/jwks.json")).json()["keys"]}


async def fresh_token(api: Any) -> dict[str, Any]:
    answer = await api.client.post("/api/v1/broker/token", json={})
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()
    return token


def key_id(token: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(token["password"])["kid"])


def age(api: Any, name: str, seconds: float) -> None:
    """Let the file of a key be *seconds* older than now."""
    made_at = api.clock().timestamp() - seconds
    os.utime(api.settings.keys_dir / name, (made_at, made_at))


async def rotated(api: Any) -> dict[str, Any]:
    """Rotate the broker key, wait until the new one signs, and return the first token under it."""
    before = await key_ids(api)
    assert await keys(api, "rotate", purpose=["broker"]) == 0
    published = "the API publishes the new key without a restart"
    await eventually(lambda: has_more(api, before), 20, what=published, every_s=0.05)
    assert key_id(await fresh_token(api)) in before, "a key signs before verifiers could learn it"
    age(api, "broker-1.pem", 2 * LONG_AGO_S)
    age(api, "broker-2.pem", LONG_AGO_S)

    async def signed_anew() -> dict[str, Any] | None:
        token = await fresh_token(api)
        return None if key_id(token) in before else token

    # Seldom, since one person may have sixty tokens a minute.
    found: dict[str, Any] = await eventually(signed_anew, 20, what="the new key signs", every_s=0.5)
    return found


async def has_more(api: Any, before: set[str]) -> bool:
    return await key_ids(api) > before


async def test_rotate_old_and_new_tokens_are_good_side_by_side(api: Any, knock: Callable[..., Any]) -> None:
    old = await fresh_token(api)
    new = await rotated(api)
    for token in (old, new):
        client, code = await knock(api, token)
        assert code == 0
        await client.disconnect()
    assert await keys(api, "retire") == 0
    assert key_id(old) in await key_ids(api), "a key went before its tokens ran out"


async def test_retire_key_whose_tokens_have_run_out_goes_and_the_signing_one_stays(
    api: Any, database: Database
) -> None:
    old = await fresh_token(api)
    new = await rotated(api)
    await api.fetch("UPDATE issued_tokens SET expires_at = now() - interval '1 s' WHERE kid = $1", key_id(old))
    assert await keys(api, "retire") == 0
    published = {key["kid"] for key in json.loads(api.settings.jwks_file.read_bytes())["keys"]}
    assert key_id(old) not in published
    assert key_id(new) in published
    actions = await api.fetch("SELECT action, entity_id FROM audit_log WHERE entity_type = 'key' ORDER BY id")
    assert [tuple(row) for row in actions] == [("key.made", key_id(new)), ("key.removed", key_id(old))]


async def test_retire_early_lists_what_ends_and_then_ends_just_that(
    api: Any, knock: Callable[..., Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = asyncio.get_running_loop()

    async def published(_: object) -> set[str]:  # the command has a loop of its own, and this API no port
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(key_ids(api), here))

    monkeypatch.setattr(command, "_published", published)
    monkeypatch.setattr(command, "FORGOTTEN_S", 0.1)  # the embedded broker looks at the file
    old = await fresh_token(api)
    cut, code = await knock(api, old)
    assert code == 0
    new = await rotated(api)
    kept, code = await knock(api, new)
    assert code == 0
    assert await keys(api, "retire", early=key_id(old)) == 1
    assert old["client_id"] in capsys.readouterr().out
    assert key_id(old) in await key_ids(api), "removed without --yes"
    assert await keys(api, "retire", early=key_id(old), yes=True) == 0
    await cut.expect_closed()
    _, code = await knock(api, old)
    assert code != 0
    await kept.ping()
    await kept.disconnect()
