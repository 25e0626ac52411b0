"""
Exports under way: few at once, one for each person, none without end, and none for a reader that has stopped reading.

Each export holds a connection of the database, and there are not many: without these bounds a handful of
downloads that stand still would keep everybody out. Whoever finds no room is told so before the first byte.
Read next: ``exports`` (what is streamed).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import structlog

from ...db.session import Sessions
from ...errors import TooManyRequestsError
from .exports import ExportRequest, stream_export

AT_ONCE = 4
TAKEN_WITHIN_S = 30.0
LONGEST_S = 3_600.0  # 450 MB for a reader with 1 Mbit/s; who needs more asks for shorter spans
RETRY_AFTER_S = 10
_log = structlog.get_logger(__name__)


class ExportStreams:
    """Streams exports within the bounds; one for the application."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        at_once: int = AT_ONCE,
        taken_within_s: float = TAKEN_WITHIN_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        """
        Let *at_once* exports run, of as many people.

        One whose reader takes nothing for *taken_within_s* seconds, or that is not done within *longest_s*, is broken
        off.
        """
        self._sessions = sessions
        self._at_once = at_once
        self._taken_within_s = taken_within_s
        self._longest_s = longest_s
        self._under_way: dict[UUID, asyncio.Task[None]] = {}

    def check_room(self, user_id: UUID) -> None:
        """
        Check that an export of that person could start now.

        Raises:
            TooManyRequestsError: Another one of theirs is under way, or as many as may run at once are.
        """
        if user_id in self._under_way:
            raise TooManyRequestsError("Another export of yours is under way.", retry_after_s=RETRY_AFTER_S)
        if len(self._under_way) >= self._at_once:
            raise TooManyRequestsError("Other exports are under way; try again soon.", retry_after_s=RETRY_AFTER_S)

    def start(self, asked: ExportRequest, user_id: UUID) -> AsyncIterator[bytes]:
        """
        Start an export of that person and return its pieces; it ends by itself even when nobody takes them.

        Raises:
            TooManyRequestsError: As ``check_room``.
            TimeoutError: (from the pieces) It was broken off; what the reader has is not whole.
        """
        self.check_room(user_id)
        pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        reading = asyncio.create_task(self._read(asked, pieces))
        self._under_way[user_id] = reading
        reading.add_done_callback(lambda ended: self._ended(user_id, ended))
        return _taken(pieces, reading)

    def _ended(self, user_id: UUID, reading: asyncio.Task[None]) -> None:
        del self._under_way[user_id]
        if not reading.cancelled():
            reading.exception()  # it is logged, and the reader meets it, if there still is one

    async def _read(self, asked: ExportRequest, pieces: asyncio.Queue[bytes]) -> None:
        """Read from the database in a task of its own, which lets go of it even while the reader stands still."""
        try:
            async with (
                asyncio.timeout(self._longest_s),
                contextlib.aclosing(stream_export(self._sessions, asked)) as found,
            ):
                async for piece in found:
                    async with asyncio.timeout(self._taken_within_s):
                        await pieces.put(piece)
        except TimeoutError:
            _log.warning("exports.broken_off", client_id=asked.client_id)
            raise
        except Exception:
            _log.exception("exports.failed", client_id=asked.client_id)
            raise


async def _taken(pieces: asyncio.Queue[bytes], reading: asyncio.Task[None]) -> AsyncIterator[bytes]:
    try:
        while (piece := await _next(pieces, reading)) is not None:
            yield piece
        await reading
    finally:
        reading.cancel()


async def _next(pieces: asyncio.Queue[bytes], reading: asyncio.Task[None]) -> bytes | None:
    """Return the next piece, or ``None`` when *reading* has ended and all was taken."""
    taking = asyncio.create_task(pieces.get())
    try:
        await asyncio.wait({taking, reading}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not taking.done():
            taking.cancel()
    if taking.done() and not taking.cancelled():
        return taking.result()
    return None if pieces.empty() else pieces.get_nowait()
