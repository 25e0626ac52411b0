"""The command ``pulse-ingest``: settings from the environment, logs to standard error, works until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser, run_program

from .settings import Settings, read_settings
from .worker import Worker

_DESCRIPTION = (
    "PrecisionPulse's ingest worker: takes telemetry from the broker, stores it in PostgreSQL exactly once, and"
    " publishes a receipt after each COMMIT. Configured by PULSE_* environment variables."
)


def main() -> None:
    """Run the program and exit with its code."""
    parser("pulse-ingest", _DESCRIPTION).parse_args()
    sys.exit(run_program("pulse-ingest", _run))


def _run() -> int:
    settings = read_settings(os.environ)
    configure_logs("ingest", settings.log_level)
    # What ends a connection is told by ``link``; gmqtt would tell it again, with a traceback.
    logging.getLogger("gmqtt").setLevel(logging.ERROR)
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    asyncio.run(_work(settings))
    return 0


async def _work(settings: Settings) -> None:
    await Worker(settings).run()


if __name__ == "__main__":
    main()
