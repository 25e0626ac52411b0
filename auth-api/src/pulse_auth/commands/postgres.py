"""``pulse-auth-api postgres``: runs the embedded PostgreSQL in the foreground until SIGTERM."""

from __future__ import annotations

import signal
from argparse import Namespace
from types import FrameType

import structlog

from pulse_runtime.errors import ConfigError

from ..errors import EmbeddedPostgresError
from ..postgres.server import PostgresServer
from ..settings import Settings

_log = structlog.get_logger()


def run(_options: Namespace, settings: Settings) -> int:
    """
    Run the server; 0 after a stop that was asked for, else 1.

    Raises:
        ConfigError: The settings name an external database, or the folder cannot be used.
    """
    if settings.external_dsn is not None:
        raise ConfigError("PULSE_DATABASE_DSN names a database of your own; there is no embedded one to run.")
    server = PostgresServer(settings.embedded_postgres)
    stop_asked = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stop_asked
        stop_asked = True
        server.request_stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.start()
        code = server.wait()
    except EmbeddedPostgresError as error:
        if stop_asked:
            return 0
        _log.error("postgres.not_started", reason=str(error))
        return 1
    finally:
        server.stop()
    _log.info("postgres.stopped", code=code)
    return 0 if stop_asked else 1
