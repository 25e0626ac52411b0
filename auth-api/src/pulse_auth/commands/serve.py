"""
``pulse-auth-api serve``: runs the API until SIGTERM, which lets requests under way finish.

The port is taken first and the database waited for next, so that a wrong configuration ends the program with
one sentence before anything is half started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from types import FrameType

import structlog
import uvicorn
from litestar import Litestar

from ..app import create_app
from ..db.session import wait_until_ready
from ..domain.accounts.first_admin import check_given
from ..errors import DatabaseUnavailableError
from ..http.listeners import listeners
from ..settings import Settings, forget_admin_password
from .database import WAIT_S

_log = structlog.get_logger()
FINISH_WITHIN_S = 10


def run(_options: Namespace, settings: Settings) -> int:
    """
    Serve until a signal comes.

    Raises:
        ConfigError: The port is taken, or the settings are wrong.
    """
    signal.signal(signal.SIGTERM, _leave)
    forget_admin_password(os.environ)
    check_given(settings.admin_password)
    with contextlib.ExitStack() as bound:
        listening = [bound.enter_context(one) for one in listeners(settings)]
        return asyncio.run(_run(settings, listening))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End while nothing is held yet; the loop takes over the signals when it runs."""
    raise SystemExit(0)


async def _run(settings: Settings, listening: list[socket.socket]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stop.set)
    _log.info("database.awaited")
    waiting = asyncio.create_task(_wait_for_database(settings))
    if not await _finished_before(waiting, stop):
        return 0
    server = _Server(_config(create_app(settings), settings))
    for one in listening:
        _log.info("http.listening", host=one.getsockname()[0], port=one.getsockname()[1])
    async with _stopping(server, stop):
        await server.serve(sockets=listening)
    _log.info("http.stopped")
    # uvicorn has written why to the log; a wrong setting that only shows now ends the program like any other.
    return 0 if server.started else 1


async def _wait_for_database(settings: Settings) -> None:
    """Wait for the embedded database to be made by its own program, and for the database to answer."""
    until = time.monotonic() + WAIT_S
    if settings.external_dsn is None:
        settings.embedded_postgres.check()
    while settings.external_dsn is None and not settings.embedded_postgres.data.exists():
        # Made by another process: there is no event to wait for.
        if time.monotonic() > until:
            raise DatabaseUnavailableError("there is no embedded database; run pulse-auth-api postgres")
        await asyncio.sleep(0.1)
    await wait_until_ready(settings.dsn(), within_s=WAIT_S)


async def _finished_before(task: asyncio.Task[None], stop: asyncio.Event) -> bool:
    """Return whether *task* was done when *stop* came; its errors are raised."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    return False


@contextlib.asynccontextmanager
async def _stopping(server: uvicorn.Server, stop: asyncio.Event) -> AsyncIterator[None]:
    async def wait() -> None:
        await stop.wait()
        server.should_exit = True

    task = asyncio.create_task(wait())
    try:
        yield
    finally:
        task.cancel()


def _config(app: Litestar, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",  # what there is to say of a request or an end is logged by us
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        # Only an edge's word on whose request it is counts, and only when there is one.
        proxy_headers=settings.is_behind_edge,
        forwarded_allow_ips=["127.0.0.1", "::1", *([settings.internal_network] * bool(settings.internal_network))],
        timeout_graceful_shutdown=FINISH_WITHIN_S,
    )


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end this program by the signal itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
