"""The command ``pulse-auth-api``: picks a subcommand, reads the environment, sets up the log."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

import structlog

from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser, run_program

from .commands import create_user, enrollment_code, migrate, postgres, serve
from .commands.command import Command
from .errors import AuthApiError
from .settings import read_settings

NAME = "pulse-auth-api"
COMMANDS: dict[str, Command] = {
    "serve": serve,
    "migrate": migrate,
    "postgres": postgres,
    "create-user": create_user,
    "enrollment-code": enrollment_code,
}


def main() -> None:
    """Run and leave with the exit code."""
    options = _parser().parse_args()
    sys.exit(run_program(NAME, lambda: _run(options)))


def _parser() -> ArgumentParser:
    made = parser(NAME, "PrecisionPulse's accounts, tokens, devices and telemetry over HTTP; serves the dashboard.")
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS.values():
        command.add(commands)
    return made


def _run(options: Namespace) -> int | None:
    settings = read_settings(os.environ)
    configure_logs("auth-api", settings.log_level)
    try:
        return COMMANDS[options.command or "serve"].run(options, settings)
    except AuthApiError as error:
        structlog.get_logger().error("program.failed", reason=str(error))
        return 1


if __name__ == "__main__":
    main()
