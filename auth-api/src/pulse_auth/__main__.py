"""The command ``pulse-auth-api``: picks a subcommand, reads the environment, sets up the log."""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import structlog

from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser, run_program

from .errors import AuthApiError
from .settings import read_settings

NAME = "pulse-auth-api"
DEFAULT = "serve"
# Each is a module of ``commands``; only the chosen one is imported.
COMMANDS = {
    "serve": "run the API (the default)",
    "migrate": "bring the database's schema to the newest version",
    "postgres": "run the embedded PostgreSQL until SIGTERM",
    "create-user": "add a user",
    "keys": "list, rotate and retire the keys that sign tokens",
    "doctor": "examine the deployment: what is wrong, and what to do",
    "deployment": "make the certificates and secrets of a deployment (jobs of compose.yaml)",
    "enrollment-code": "print a one-time code for a device, good for 15 minutes",
}


def main() -> None:
    """Run and leave with the exit code."""
    words = sys.argv[1:]
    chosen = next((word for word in words if word in COMMANDS), DEFAULT)
    # A module with ``run``, and ``add`` where it has options.
    command: Any = importlib.import_module(f".commands.{chosen.replace('-', '_')}", __package__)
    options = _parser(chosen, command).parse_args(words)
    sys.exit(run_program(NAME, lambda: _run(command, options)))


def _parser(chosen: str, command: Any) -> ArgumentParser:
    made = parser(NAME, "PrecisionPulse's accounts, tokens, devices and telemetry over HTTP; serves the dashboard.")
    commands = made.add_subparsers(metavar="COMMAND")
    for name, help_text in COMMANDS.items():
        one = commands.add_parser(name, help=help_text)
        if name == chosen and hasattr(command, "add"):
            command.add(one)
    return made


def _run(command: Any, options: Namespace) -> int | None:
    settings = read_settings(os.environ)
    configure_logs("auth-api", settings.log_level)
    try:
        code: int | None = command.run(options, settings)
    except AuthApiError as error:
        structlog.get_logger().error("program.failed", reason=str(error))
        return 1
    return code


if __name__ == "__main__":
    main()
