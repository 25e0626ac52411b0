"""
``pulse-auth-api keys``: lists the keys that sign tokens, adds new ones, and removes those that nothing needs.

A running API takes every change in by itself. A key that may have been copied is removed early, with all its tokens:
those who came in with them are cut at once, and once more, with those who came meanwhile, when no broker knows the key
any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_runtime.errors import ConfigError

from ..clock import system_clock
from ..db.models import IssuedToken, audit_log
from ..db.session import Sessions, make_sessions
from ..domain.audit.services import write_audit
from ..domain.broker_admin.client import BrokerAdmin, BrokerUnavailableError
from ..domain.broker_tokens.key_use import KeyUse, key_uses, running_tokens
from ..keys.jwks import publish_jwks
from ..keys.signing import ANNOUNCED_S, KeyRing, Purpose, key_files, load_keys, make_key
from ..settings import Settings
from .database import opened

# EMQX asks every 10 s (broker-config/emqx.conf), each of its workers for itself; a question takes its time.
FORGOTTEN_S = 15.0
# A running API looks at the files every 5 s.
UNPUBLISHED_WITHIN_S, ASK_EVERY_S, ASKED_WITHIN_S = 15.0, 0.25, 3.0
_ACTOR = "system"
_MOST_LISTED = 20


def add(parser: ArgumentParser) -> None:
    """Describe the options."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    deeds.add_parser("list", help="every signing key: what it is for, and until when it is needed")
    rotate = deeds.add_parser("rotate", help="make a new key; it signs two minutes later, the old one still verifies")
    rotate.add_argument("--purpose", choices=[one.value for one in Purpose], action="append", help="default: all")
    retire = deeds.add_parser("retire", help="remove the keys whose last token has run out")
    retire.add_argument("--early", metavar="KEY_ID", help="remove this one at once; lists the tokens that end with it")
    retire.add_argument("--yes", action="store_true", help="with --early: do it")


def run(options: Namespace, settings: Settings) -> int:
    """
    Do one of the three.

    Raises:
        ConfigError: A key file is damaged, the folder is read-only, or there is no such key.
    """
    try:
        return asyncio.run(_run(options, settings))
    except OSError as error:
        raise ConfigError(f"{settings.keys_dir} cannot be changed: {error.strerror}; run this where it can.") from error


async def _run(options: Namespace, settings: Settings) -> int:
    keys = _present_keys(settings)
    async with opened(settings) as engine:
        sessions = make_sessions(engine)
        if options.deed == "rotate":
            await _rotate(sessions, keys, settings, [Purpose(one) for one in options.purpose or Purpose])
        elif options.deed == "retire" and options.early:
            return await _retire_early(sessions, keys, settings, options.early, sure=options.yes)
        elif options.deed == "retire":
            await _retire(sessions, keys, settings)
        async with sessions() as session:
            _show(await key_uses(session, keys, system_clock()))
    return 0


def _present_keys(settings: Settings) -> KeyRing:
    """Return the keys that are there; in a wrong folder none are made."""
    lacking = [purpose.value for purpose in Purpose if not key_files(settings.keys_dir, purpose)]
    if lacking:
        raise ConfigError(
            f"{settings.keys_dir} has no key for {', '.join(lacking)}; is PULSE_HOME right, and has the API run?"
        )
    return load_keys(settings.keys_dir)


async def _rotate(sessions: Sessions, keys: KeyRing, settings: Settings, purposes: Sequence[Purpose]) -> None:
    for purpose in purposes:
        made = make_key(settings.keys_dir, purpose)
        async with sessions.begin() as session:
            await _audit(session, "key.made", purpose, made.kid)
    keys.refresh()
    publish_jwks(keys, settings.jwks_file)


async def _retire(sessions: Sessions, keys: KeyRing, settings: Settings) -> None:
    now = system_clock()
    async with sessions() as session:
        done = [use for use in await key_uses(session, keys, now) if use.is_done(now)]
    await _remove(sessions, keys, settings, done)


async def _retire_early(sessions: Sessions, keys: KeyRing, settings: Settings, kid: str, *, sure: bool) -> int:
    """
    Remove one key now, cut those who came in with it, and say what that ended (or would).

    Safe to repeat: of a key that is gone already it cuts what came in with it once more.
    """
    now = system_clock()
    async with sessions() as session:
        use = next((one for one in await key_uses(session, keys, now) if one.key.kid == kid), None)
        tokens = await running_tokens(session, kid, now)
        purpose = use.purpose if use is not None else await _removed_purpose(session, kid)
    if purpose is None and not tokens:
        raise ConfigError(f"there is no key {kid!r}; pulse-auth-api keys list names them.")
    if use is not None and len(keys.keys[use.purpose]) == 1:
        raise ConfigError(f"it is the only {use.purpose} key; run pulse-auth-api keys rotate first.")
    _show_tokens(use, tokens)
    if not sure:
        _say("Nothing was removed. Do it by the same command with --yes.")
        return 1
    await _remove(sessions, keys, settings, [use] if use else [])
    if purpose is Purpose.ACCESS:
        _say("A running API refuses its tokens within 5 s.")
        return 0
    return await _cut(sessions, settings, kid, tokens, now)


async def _removed_purpose(session: AsyncSession, kid: str) -> Purpose | None:
    """Return what the key was for that was removed before, by the audit log; ``None``: none was."""
    removed = (audit_log.c.action == "key.removed") & (audit_log.c.entity_id == kid)
    detail = await session.scalar(select(audit_log.c.detail).where(removed).limit(1))
    return Purpose(detail["purpose"]) if detail else None


async def _remove(sessions: Sessions, keys: KeyRing, settings: Settings, uses: Sequence[KeyUse]) -> None:
    """
    Write down that the keys go, then remove their files and publish what is left.

    In this order, so that no key is ever gone without a word; broken off in between, the same command goes on.
    """
    async with sessions.begin() as session:
        for use in uses:
            await _audit(session, "key.removed", use.purpose, use.key.kid)
    for use in uses:
        (settings.keys_dir / f"{use.purpose}-{use.key.number}.pem").unlink(missing_ok=True)
        _say(f"Removed {use.purpose} key {use.key.number} ({use.key.kid}).")
    keys.refresh()
    publish_jwks(keys, settings.jwks_file)


async def _cut(sessions: Sessions, settings: Settings, kid: str, tokens: Sequence[IssuedToken], now: datetime) -> int:
    """
    End the connections under *tokens*: at once, and again when every broker has forgotten the key.

    A broker that asks for the set now and then lets them in again until it has asked anew. And until it sees the key
    gone a running API may sign with it: browsers, cut first, come back under new client ids, so these are looked up.
    """
    broker = BrokerAdmin(settings.broker_api_url, settings.broker_api_key_file)
    client_ids = {token.client_id for token in tokens}
    try:
        with contextlib.suppress(BrokerUnavailableError):
            await broker.kick(sorted(client_ids))
        if not await _unpublished(settings, kid):
            _say("No API on this machine publishes the keys that are left. EMQX, which asks it for them, takes tokens")
            _say("under the removed key until it has asked; the embedded broker reads the file, which is written.")
            _say("For either: start the API, then repeat this command.")
            return 1
        _say(f"Waiting {FORGOTTEN_S:.0f} s until every broker has asked for the keys that are left ...")
        await asyncio.sleep(FORGOTTEN_S)
        async with sessions() as session:
            client_ids |= {token.client_id for token in await running_tokens(session, kid, now)}
        await broker.kick(sorted(client_ids))
    except BrokerUnavailableError as error:
        _say(f"The connections under its tokens still stand, since {error}.")
        _say("Repeat this command, or restart the broker.")
        return 1
    finally:
        await broker.close()
    _say(f"{len(client_ids)} known connections were cut. A token that a thief signed has a client id that is not known")
    _say("here: restart the broker now to end such connections too; everybody else comes back by themselves.")
    return 0


async def _unpublished(settings: Settings, kid: str) -> bool:
    """Wait until the running API publishes a set without the key; ``False`` when it does not in time."""
    try:
        async with asyncio.timeout(UNPUBLISHED_WITHIN_S):
            while True:
                with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
                    if kid not in await _published(settings):
                        return True
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError:
        return False


async def _published(settings: Settings) -> set[str]:
    """Return the ids of the keys that the API on this machine publishes to brokers."""
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    async with httpx.AsyncClient(timeout=ASKED_WITHIN_S, trust_env=False) as client:
        answer = await client.get(f"http://{host}:{settings.http_port}/.well-known/jwks.json")
    return {str(key["kid"]) for key in answer.raise_for_status().json()["keys"]}


async def _audit(session: AsyncSession, action: str, purpose: Purpose, kid: str) -> None:
    detail = {"purpose": purpose.value}
    await write_audit(session, actor=_ACTOR, action=action, entity_type="key", entity_id=kid, detail=detail)


def _show(uses: Sequence[KeyUse]) -> None:
    for use in uses:
        made = datetime.fromtimestamp(use.key.made_at, UTC)
        _say(f"{use.purpose:<12} {use.key.number:>3}  {use.key.kid}  {_words(use, made)}")


def _words(use: KeyUse, made: datetime) -> str:
    if use.role == "announced":
        return f"announced; signs from {_at(made + timedelta(seconds=ANNOUNCED_S))}"
    if use.role == "signs":
        return f"signs; made {_at(made)}"
    if use.is_done(system_clock()):
        return "not needed any more; pulse-auth-api keys retire removes it"
    tokens = f" of {use.running} tokens" if use.running else ""
    return f"verifies; the last{tokens} runs out {_at(use.until or made)}"


def _show_tokens(use: KeyUse | None, tokens: Sequence[IssuedToken]) -> None:
    sessions = "HTTP access tokens of up to 15 minutes; browsers fetch new ones by themselves."
    if use is None:
        _say(f"The key is gone already; there are {len(tokens)} tokens under it:")
    else:
        ends = sessions if use.purpose is Purpose.ACCESS else f"{len(tokens)} tokens:"
        _say(f"Removing {use.purpose} key {use.key.number} ends {ends}")
    for token in tokens[:_MOST_LISTED]:
        _say(f"  {token.username}  {token.client_id}  until {_at(token.expires_at)}")
    if len(tokens) > _MOST_LISTED:
        _say(f"  and {len(tokens) - _MOST_LISTED} more, all within that time")


def _at(moment: datetime) -> str:
    return format_time(moment)


def _say(line: str) -> None:
    print(line)  # noqa: T201 - the command's result
