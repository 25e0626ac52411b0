"""Which questions are asked, in which order; each bounded in time, and one that fails is a finding and not the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from pulse_runtime.errors import ConfigError

from ..db.session import make_engine, make_sessions
from ..domain.broker_tokens.services import BrokerToken, BrokerTokens, TokenKind, fresh_client_id
from ..keys.signing import Purpose, key_files, load_keys
from ..settings import Settings
from . import machine, network
from .archive import examine_database
from .findings import Finding, wrong

WITHIN_S = 15.0
TOKEN_LIFE_S = 30


async def examine(settings: Settings, clock: Callable[[], datetime]) -> list[Finding]:
    """Return everything that was found, in the order in which one would look."""
    now = clock()
    found = [machine.home(settings), machine.disk(settings), machine.keys(settings)]
    found += [machine.authority(settings, now), *machine.addresses(settings), *machine.kept_clock()]
    found += await _asked("database", _database(settings, clock))
    found += await _asked("api", network.api(settings))
    found += await _asked("public address", _one(network.edge(settings, now)))
    found += await _asked("broker api", _one(network.management(settings)))
    token = await _token(settings, clock)
    found += await _asked("broker mqtts", _one(network.mqtt(settings, token, now)))
    for check, url in (("broker for browsers", settings.ws_url), ("broker wss", settings.wss_url)):
        found += await _asked(check, _one(network.websocket(check, url, settings, now)))
    return found


async def _one(finding: Awaitable[Finding]) -> list[Finding]:
    return [await finding]


async def _asked(check: str, question: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await question
    except TimeoutError:
        return [
            wrong(check, f"no answer within {WITHIN_S:.0f} s", "see whether it hangs, or the network drops packets")
        ]
    except Exception as error:  # noqa: BLE001 - whatever it is, the other questions are still asked
        return [wrong(check, f"{type(error).__name__}: {error}", "the log of the part that was asked says more")]


async def _database(settings: Settings, clock: Callable[[], datetime]) -> list[Finding]:
    remedy = "see whether PostgreSQL runs, and PULSE_DATABASE_DSN with its password file"
    try:
        connection = await asyncpg.connect(settings.dsn(), timeout=5)
    except ConfigError as error:
        return [wrong("database", str(error), "start pulse-auth-api postgres, or set PULSE_DATABASE_DSN")]
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return [wrong("database", f"it does not answer: {error or type(error).__name__}", remedy)]
    try:
        return await examine_database(connection, clock, has_backup_job=settings.has_backup_job)
    finally:
        await connection.close()


async def _token(settings: Settings, clock: Callable[[], datetime]) -> BrokerToken | None:
    """Mint a token that may do nothing but connect; ``None`` when the database or the keys are not there."""
    if not all(key_files(settings.keys_dir, purpose) for purpose in Purpose):
        return None
    with contextlib.suppress(ConfigError, SQLAlchemyError, asyncpg.PostgresError, OSError):
        engine = make_engine(settings.dsn())
        try:
            async with make_sessions(engine).begin() as session:
                return await BrokerTokens(load_keys(settings.keys_dir), settings, clock).issue(
                    session,
                    username="service:doctor",
                    client_id=fresh_client_id("svc:doctor"),
                    rules=(),
                    lifetime_s=TOKEN_LIFE_S,
                    kind=TokenKind.SERVICE,
                )
        finally:
            await engine.dispose()
    return None
