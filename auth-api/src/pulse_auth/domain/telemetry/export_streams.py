"""
Exports under way: few at once, and none for a reader that has stopped reading.

Each export holds a connection of the database, and there are not many: without these bounds a handful of
downloads that stand still would keep everybody out. Read next: ``exports`` (what is streamed).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from ...db.session import Sessions
from .exports import ExportRequest, stream_export

AT_ONCE = 4
TAKEN_WITHIN_S = 30.0
_log = structlog.get_logger(__name__)


class ExportStreams:
    """Streams exports within the bounds; one for the application."""

    def __init__(self, sessions: Sessions, *, at_once: int = AT_ONCE, taken_within_s: float = TAKEN_WITHIN_S) -> None:
        """Further exports wait; one whose reader takes nothing for *taken_within_s* seconds is broken off."""
        self._sessions = sessions
        self._slots = asyncio.Semaphore(at_once)
        self._taken_within_s = taken_within_s

    async def stream(self, asked: ExportRequest) -> AsyncIterator[bytes]:
        """
        Yield the export piece by piece.

        Raises:
            TimeoutError: The reader came back after it was given up; what it has is not whole.
        """
        pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        reading = asyncio.create_task(self._read(asked, pieces))
        try:
            while (piece := await _next(pieces, reading)) is not None:
                yield piece
            await reading
        finally:
            reading.cancel()

    async def _read(self, asked: ExportRequest, pieces: asyncio.Queue[bytes]) -> None:
        """Read from the database in a task of its own, which lets go of it even while the reader stands still."""
        async with self._slots, contextlib.aclosing(stream_export(self._sessions, asked)) as found:
            async for piece in found:
                await self._hand_over(piece, pieces, asked.client_id)

    async def _hand_over(self, piece: bytes, pieces: asyncio.Queue[bytes], client_id: str) -> None:
        try:
            async with asyncio.timeout(self._taken_within_s):
                await pieces.put(piece)
        except TimeoutError:
            _log.warning("exports.reader_stalled", client_id=client_id, within_s=self._taken_within_s)
            raise


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
