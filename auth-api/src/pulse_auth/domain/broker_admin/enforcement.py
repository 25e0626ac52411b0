"""
Makes the broker keep the bans that stand in PostgreSQL.

The table decides; the broker is told at once where possible, every minute, and whenever it came back. So a
ban survives a broker that was away when it was made, or that forgot. Read next: ``client``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import Ban, Device
from ...db.session import Sessions
from .client import FOREVER, BanKind, BrokerAdmin, BrokerBan, BrokerUnavailableError

__all__ = ["FOREVER", "BanEnforcement", "drop_ban", "store_ban"]
REWRITE_EVERY_S, BEHIND_EVERY_S = 60.0, 5.0
_AT_ONCE = 8  # a role that narrows may end hundreds of tokens, and all of them within two seconds
_log = structlog.get_logger(__name__)


async def store_ban(session: AsyncSession, ban: BrokerBan) -> None:
    """Write *ban* into the table within the caller's transaction; a former one for the same id is replaced."""
    fields = {"reason": ban.reason, "by": ban.by, "until": ban.until}
    row = insert(Ban).values(banned_as=ban.banned_as, who=ban.who, **fields)
    await session.execute(row.on_conflict_do_update(index_elements=["banned_as", "who"], set_=fields))


async def drop_ban(session: AsyncSession, banned_as: BanKind, who: str) -> None:
    """Take a ban out of the table within the caller's transaction."""
    await session.execute(delete(Ban).where(Ban.banned_as == banned_as, Ban.who == who))


class BanEnforcement:
    """Tells the broker about bans: some at once, all of them again and again."""

    def __init__(self, sessions: Sessions, broker: BrokerAdmin, now: Callable[[], datetime]) -> None:
        """Read bans through *sessions*; *now* is the server's clock (aware)."""
        self._sessions = sessions
        self._broker = broker
        self._now = now
        self._wanted = asyncio.Event()
        # A ban must not be lifted by a list that was read before it was made.
        self._telling = asyncio.Lock()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self.behind = False

    async def apply(
        self, *, banned: Sequence[BrokerBan] = (), unbanned: Sequence[str] = (), kick: Sequence[str]
    ) -> bool:
        """
        Tell the broker at once, after the table's transaction was committed.

        A ban that stands with another end is written anew; then the client ids in *kick* are cut. Returns
        whether the broker did it all; if not, ``run`` tries again at once and every few seconds.
        """
        try:
            async with self._telling:
                for who in unbanned:
                    await self._broker.unban("clientid", who)
                told = await asyncio.gather(*map(self._ban, banned), return_exceptions=True)
                for failed in filter(None, told):
                    raise failed
                await self._broker.kick(kick)
        except BrokerUnavailableError as error:
            _log.warning("bans.broker_away", error=str(error), waiting=len(banned))
            self.behind = True
            self._wanted.set()
            return False
        return True

    async def _ban(self, ban: BrokerBan) -> None:
        """Make *ban* stand as it is; where one with another end stands, it is written anew."""
        async with self._at_once:
            if not await self._broker.ban(ban):
                await self._broker.unban(ban.banned_as, ban.who)
                await self._broker.ban(ban)

    def rewrite_soon(self) -> None:
        """Let ``run`` write all bans now, for example because the broker has just come back."""
        self._wanted.set()

    async def rewrite(self) -> bool:
        """
        Make the broker hold off whom the table names, with the same end, and cut them; forget what has run out.

        A device that the broker holds off and the table does not is let in again: its ban was lifted while the
        broker was away.
        """
        async with self._telling:
            standing = await self._standing()
            bans, outdated = await self._compare(standing)
            try:
                for who in outdated:
                    await self._broker.unban("clientid", who)
                for ban in bans:
                    await self._broker.ban(ban)
                await self._broker.kick([ban.who for ban in bans if ban.banned_as == "clientid"])
            except BrokerUnavailableError as error:
                level = logging.WARNING if bans else logging.DEBUG
                _log.log(level, "bans.broker_away", error=str(error), waiting=len(bans))
                self.behind = bool(bans)
                return False
        self.behind = False
        return True

    async def _standing(self) -> dict[str, datetime]:
        try:
            return await self._broker.banned_client_ids()
        except BrokerUnavailableError:
            return {}  # whatever comes next says so

    async def _compare(self, standing: Mapping[str, datetime]) -> tuple[list[BrokerBan], list[str]]:
        """Return the bans in force, and the client ids whose ban on the broker is another one or none of the table."""
        now = self._now()
        async with self._sessions.begin() as session:
            await session.execute(delete(Ban).where(Ban.until <= now))
            rows = (await session.scalars(select(Ban))).all()
            welcome = select(Device.client_id).where(Device.client_id.in_(standing), Device.revoked_at.is_(None))
            devices = set((await session.scalars(welcome)).all())
        bans = [BrokerBan(cast("BanKind", row.banned_as), row.who, row.reason, row.by, row.until) for row in rows]
        ends = {ban.who: ban.until.replace(microsecond=0) for ban in bans if ban.banned_as == "clientid"}
        other_end = {who for who, end in ends.items() if standing.get(who, end) != end}
        return bans, sorted(other_end | (devices - ends.keys()))

    async def run(self) -> None:
        """Rewrite at once, every minute (every 5 s while behind) and when asked to, until cancelled."""
        while True:
            try:
                await self.rewrite()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("bans.database_away", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._wanted.wait(), BEHIND_EVERY_S if self.behind else REWRITE_EVERY_S)
            except TimeoutError:
                continue
            self._wanted.clear()
