"""``pulse-broker``: reads its settings, runs until SIGTERM or SIGINT, and closes cleanly."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import structlog

from pulse_runtime.environment import Environment
from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser, run_program

from .app import running
from .settings import Settings, read_settings

log = structlog.get_logger()


async def serve(settings: Settings) -> None:
    """Run the broker until it is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings):
        await stop.wait()
        log.info("broker.stopping")
    log.info("broker.stopped")


def main() -> None:
    """Run the program."""
    parser("pulse-broker", "The embedded MQTT broker of PrecisionPulse: MQTT 3.1.1, for one machine.").parse_args()

    def run() -> None:
        environment = Environment(os.environ)
        configure_logs("broker", environment.text("PULSE_LOG_LEVEL"))
        asyncio.run(serve(read_settings(environment)))

    sys.exit(run_program("pulse-broker", run))


if __name__ == "__main__":
    main()
