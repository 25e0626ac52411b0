"""
The checks behind ``/readyz``: small questions with a bound, asked at once.

A check returns ``ok`` or a few words that say what is wrong; the words are public, so no addresses in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy import text

from ...db.session import Sessions

Check = Callable[[], Awaitable[str]]
WITHIN_S = 2.0
# A standby and a database that an administrator closed answer every question, and refuse every change.
_WRITABLE = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Readiness:
    """``needed`` must be ok for ready; ``told`` are only reported."""

    needed: Mapping[str, Check]
    told: Mapping[str, Check] = field(default_factory=dict)

    async def ask(self) -> tuple[bool, dict[str, str]]:
        """Return whether everything needed is ok, and the words of all checks."""
        checks = {**self.needed, **self.told}
        words = await asyncio.gather(*(_ask(name, check) for name, check in checks.items()))
        found = dict(zip(checks, words, strict=True))
        return all(found[name] == "ok" for name in self.needed), found


def database_check(sessions: Sessions) -> Check:
    """Return the check that the database answers, has the schema, and takes writes."""

    async def check() -> str:
        async with sessions() as session:
            await session.execute(text("SELECT history FROM record_version"))
            return "ok" if await session.scalar(text(_WRITABLE)) else "takes no writes"

    return check


async def _ask(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await check()
    except TimeoutError:
        return f"no answer within {WITHIN_S:.0f} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is not ready
        _log.warning("health.check_failed", check=name, error=type(error).__name__)
        return f"failed: {type(error).__name__}"
