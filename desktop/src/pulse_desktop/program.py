"""
The command line of ``pulse-desktop``: run, enroll, status, backfill; people and settings are in ``cli``.

Parses, builds settings, and calls the core; holds no logic of its own. ``__main__`` is its only caller.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import msgspec

from pulse_runtime.environment import Environment, read_secret_file
from pulse_runtime.errors import ConfigError
from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser

from .cli.commands import add_commands
from .cli.commands import run as run_identity_command
from .cli.sources import add_sources_command, show_sources
from .core.backfill import backfill
from .core.errors import ChangeError, EnrollmentError, SignInError, StorageError
from .core.folder import DeviceFolder, find
from .core.identity.store import load
from .core.settings import SettingError
from .core.sources import simulator
from .core.sources.plan import SourcePlan, read_plan, single
from .core.status import as_text, read_status
from .session import Session, SessionPlan, enroll_device, starting_settings

NAME = "pulse-desktop"
WINDOW_PACKAGES = ("PySide6", "pyqtgraph")
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return the exit code."""
    asked = _parser().parse_args(arguments)
    environment = Environment(os.environ)
    configure_logs("desktop", environment.text("PULSE_LOG_LEVEL"))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        commands: dict[str | None, Callable[[Environment, argparse.Namespace], int]] = {
            None: _run if asked.headless else _window,
            "enroll": _enroll,
            "status": _status,
            "backfill": _backfill,
            "sources": _show_sources,
        }
        return commands.get(asked.command, run_identity_command)(environment, asked)
    except (EnrollmentError, StorageError, SettingError, SignInError, ChangeError) as error:
        raise ConfigError(f"{str(error).rstrip('.')}.") from error


def _parser() -> argparse.ArgumentParser:
    made = parser(NAME, "Sample this machine, keep every reading on disk, deliver it to the archive.")
    _add_device(made)
    _add_source(made)
    made.add_argument("--headless", action="store_true", help="run without a window")
    made.add_argument("--interval", metavar="S", help="seconds between samples, 0.05 to 3600 (PULSE_DEVICE_INTERVAL)")
    commands = made.add_subparsers(dest="command", title="commands", metavar="")
    one = commands.add_parser("enroll", help="make this machine a device", allow_abbrev=False)
    _add_device(one)
    one.add_argument("--api", metavar="URL", help="address of the API; default PULSE_API_URL")
    one.add_argument("--code-file", required=True, metavar="F", help="file with the one-time code; -: standard input")
    one.add_argument("--broker", metavar="URL", help="mqtts address that goes before the server's (this machine's way)")
    one.add_argument("--again", action="store_true", help="replace the keys of a device that is enrolled already")
    two = commands.add_parser("status", help="how the device is; works while it runs", allow_abbrev=False)
    _add_device(two)
    two.add_argument("--json", action="store_true", help="for programs")
    three = commands.add_parser("backfill", help="write readings of the past, for demos", allow_abbrev=False)
    _add_device(three)
    _add_source(three)
    three.add_argument("--hours", type=float, required=True, metavar="H", help="how far back, 0 to 10,000")
    three.add_argument("--every", type=float, default=30.0, metavar="S", help="seconds between readings, default 30")
    _add_device(add_sources_command(commands))
    add_commands(commands, _add_device)
    return made


def _add_device(to: argparse.ArgumentParser) -> None:
    # SUPPRESS: a subcommand must not wipe what was given before it.
    to.add_argument(
        "--client-id",
        "--device",
        dest="client_id",
        default=argparse.SUPPRESS,
        metavar="X",
        help="device id; default: the only one here",
    )


def _add_source(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--source", choices=("machine", "simulator"), help="this one only; default: the configured ones, else machine"
    )
    to.add_argument("--seed", type=int, default=1, metavar="N", help="which simulated machine, default 1")


def _folder(environment: Environment, asked: argparse.Namespace) -> DeviceFolder:
    return find(environment, getattr(asked, "client_id", None))


def _sources(environment: Environment, folder: DeviceFolder, asked: argparse.Namespace) -> SourcePlan:
    if asked.source is None:
        return read_plan(folder.path, environment.text("PULSE_DEVICE_SOURCES"))
    return single("simulator", seed=asked.seed) if asked.source == "simulator" else single(asked.source)


def _plan(environment: Environment, asked: argparse.Namespace, client_id: str | None = None) -> SessionPlan:
    folder = _folder(environment, asked) if client_id is None else find(environment, client_id)
    sources = _sources(environment, folder, asked)
    return SessionPlan(environment, folder, asked.interval, sources, is_id_fixed=hasattr(asked, "client_id"))


def _run(environment: Environment, asked: argparse.Namespace) -> int:
    session = Session(_plan(environment, asked))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        session.start()
        return 0 if session.device.watch(stopping) else 1
    finally:  # else the threads that are left keep a process alive that records nothing
        session.close()


def _window(environment: Environment, asked: argparse.Namespace) -> int:
    missing = [name for name in WINDOW_PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the window needs {' and '.join(missing)}; install them with `pip install 'pulse-desktop[window]'`, "
            f"or run it with --headless."
        )
    if sys.platform == "linux" and not any(map(os.environ.get, SCREENS)):
        raise ConfigError("there is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set); use --headless.")
    from .ui.application import run  # noqa: PLC0415 - Qt is there only where a window is wanted

    return run(partial(_plan, environment, asked))


def _enroll(environment: Environment, asked: argparse.Namespace) -> int:
    folder = _folder(environment, asked)
    if load(folder.path) is not None and not asked.again:
        print(f"{folder.client_id} is enrolled already; --again replaces its keys.")
        return 0
    code = sys.stdin.read() if asked.code_file == "-" else read_secret_file(Path(asked.code_file), "--code-file")
    identity = enroll_device(environment, folder, asked.api or "", code, asked.broker)
    print(f"{identity.client_id} is enrolled at {identity.api_url}.")
    return 0


def _status(environment: Environment, asked: argparse.Namespace) -> int:
    figures = read_status(_folder(environment, asked))
    print(msgspec.json.encode(figures).decode() if asked.json else as_text(figures))
    return 0


def _show_sources(environment: Environment, asked: argparse.Namespace) -> int:
    return show_sources(_folder(environment, asked), environment.text("PULSE_DEVICE_SOURCES"), asked)


def _backfill(environment: Environment, asked: argparse.Namespace) -> int:
    if asked.source != "simulator":
        raise ConfigError("only the simulator knows the past; give --source simulator.")
    if not 0 < asked.hours <= 10_000 or not 0.05 <= asked.every <= 3600:
        raise ConfigError("--hours goes from 0 to 10,000 and --every from 0.05 to 3600.")
    folder = _folder(environment, asked)
    settings = starting_settings(folder, {})
    count = backfill(folder, settings, partial(simulator.values, asked.seed), hours=asked.hours, every_s=asked.every)
    print(f"{count} readings written for {folder.client_id}; they are sent when the device runs.")
    return 0
