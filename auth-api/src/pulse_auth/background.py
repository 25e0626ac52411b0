"""
Runs loops beside the API, for as long as it runs: one that fails is logged and started again.

A loop ends when it is cancelled; it finishes what it holds then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

import structlog

Loop = Callable[[], Awaitable[None]]

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
CANCEL_AGAIN_S = 5.0  # longer than a loop needs to finish what it holds
_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def running(loops: Mapping[str, Loop]) -> AsyncIterator[None]:
    """Run *loops* (by their names) while the block runs; wait for all of them to end."""
    tasks = [asyncio.create_task(_supervise(name, loop), name=name) for name, loop in loops.items()]
    try:
        yield
    finally:
        await _end(tasks)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: ``wait_for`` of Python 3.11 swallows a cancellation that meets its own answer."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


async def _supervise(name: str, loop: Loop) -> None:
    wait_s = FIRST_WAIT_S
    while True:
        try:
            await loop()
        except Exception:  # noqa: BLE001 - whatever it was, the loop is started again
            _log.exception("background.loop_failed", loop=name, again_in_s=wait_s)
        else:
            _log.error("background.loop_ended", loop=name, again_in_s=wait_s)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
