"""
Makes the broker keep the bans that stand in PostgreSQL.

The table decides; the broker is told at once where possible, every minute, and whenever it came back. So a
ban survives a broker that was away when it was made, or that forgot. Read next: ``client``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy import Text, any_, delete, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import Ban, Device
from ...db.session import Sessions
from .client import FOREVER, BanKind, BrokerAdmin, BrokerBan, BrokerUnavailableError

__all__ = ["FOREVER", "BanEnforcement", "drop_ban", "store_ban"]
REWRITE_EVERY_S, BEHIND_EVERY_S = 60.0, 5.0
APPLY_WITHIN_S = 2.0
_AT_ONCE = 8  # a role that narrows may end hundreds of tokens, and all of them within two seconds
_PART = 64  # bans that are written again before somebody who has a new one may come in between
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
        whether the broker did it all within ``APPLY_WITHIN_S``; if not, ``run`` tries again at once and every few
        seconds.
        """
        try:
            async with asyncio.timeout(APPLY_WITHIN_S), self._telling:
                for who in unbanned:
                    await self._broker.unban("clientid", who)
                await self._tell(banned)
                await self._broker.kick(kick)
        except (BrokerUnavailableError, TimeoutError) as error:
            _log.warning("bans.broker_away", error=str(error) or "it takes too long", waiting=len(banned))
            self.behind = True
            self._wanted.set()
            return False
        return True

    async def _tell(self, bans: Iterable[BrokerBan]) -> None:
        """Make *bans* stand, some at once; the first that fails ends it, as a broker that is away costs seconds."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for ban in bans:
                    tasks.create_task(self._ban(ban))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

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
        broker was away. What stands rightly is left alone, and ``apply`` gets its turn between parts of the rest.
        """
        bans: list[BrokerBan] = []
        try:
            async with self._telling:
                bans = await self._in_force()
                standing = await self._broker.banned_client_ids()
                for who in await self._welcome(standing, bans):
                    await self._broker.unban("clientid", who)
            await self._rewrite([ban for ban in bans if not _stands(ban, standing)])
            await self._broker.kick([ban.who for ban in bans if ban.banned_as == "clientid"])
        except BrokerUnavailableError as error:
            level = logging.WARNING if bans else logging.DEBUG
            _log.log(level, "bans.broker_away", error=str(error), waiting=len(bans))
            self.behind = bool(bans)
            return False
        self.behind = False
        return True

    async def _rewrite(self, missing: Sequence[BrokerBan]) -> None:
        """Make *missing* stand, part by part; one that was lifted meanwhile is left out."""
        for first in range(0, len(missing), _PART):
            part = missing[first : first + _PART]
            async with self._telling:
                async with self._sessions() as session:
                    present = (await session.scalars(select(Ban).where(Ban.who.in_([ban.who for ban in part])))).all()
                await self._tell(map(_as_told, present))

    async def _in_force(self) -> list[BrokerBan]:
        now = self._now()
        async with self._sessions.begin() as session:
            await session.execute(delete(Ban).where(Ban.until <= now))
            return [_as_told(row) for row in await session.scalars(select(Ban))]

    async def _welcome(self, standing: Iterable[str], bans: Iterable[BrokerBan]) -> list[str]:
        """Return the devices among *standing*, held off by the broker, that are not banned."""
        # One array, since there may be more of them than a statement has parameters.
        held_off = any_(literal(list(standing), ARRAY(Text)))
        welcome = select(Device.client_id).where(Device.client_id == held_off, Device.revoked_at.is_(None))
        async with self._sessions() as session:
            devices = set((await session.scalars(welcome)).all())
        return sorted(devices - {ban.who for ban in bans if ban.banned_as == "clientid"})

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


def _as_told(row: Ban) -> BrokerBan:
    return BrokerBan(cast("BanKind", row.banned_as), row.who, row.reason, row.by, row.until)


def _stands(ban: BrokerBan, standing: Mapping[str, datetime]) -> bool:
    """Tell whether *ban* is among *standing* with the same end, which the broker keeps in whole seconds."""
    return ban.banned_as == "clientid" and standing.get(ban.who) == ban.until.replace(microsecond=0)
