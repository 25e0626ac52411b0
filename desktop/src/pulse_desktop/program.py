"""
The command line of ``pulse-desktop``: run, enroll, status, backfill; people and settings are in ``cli``.

Parses, builds settings, and calls the core; holds no logic of its own. ``__main__`` is its only caller.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import structlog

from pulse_runtime.environment import Environment, checked_url, read_secret_file
from pulse_runtime.errors import ConfigError
from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser

from .cli.commands import add_commands
from .cli.commands import run as run_identity_command
from .core.backfill import backfill
from .core.clock import SystemClock
from .core.device import Device, Parts
from .core.errors import ChangeError, EnrollmentError, SignInError, StorageError
from .core.folder import DeviceFolder, find
from .core.identity.enrollment import enroll
from .core.identity.keystore import place_of, uses_keyring
from .core.identity.store import load
from .core.identity.sync_keys import sync_keys
from .core.identity.tokens import DeviceTokens
from .core.lock import FolderLock
from .core.outbox.schema import has_tables
from .core.settings import DeviceSettings, SettingError, usable, with_settings
from .core.settings_watch import stored_settings
from .core.sources import simulator
from .core.sources.base import Source
from .core.sources.machine import Machine
from .core.status import as_text, read_status

NAME = "pulse-desktop"


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return the exit code."""
    asked = _parser().parse_args(arguments)
    environment = Environment(os.environ)
    configure_logs("desktop", environment.text("PULSE_LOG_LEVEL"))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        if asked.command is None and not asked.headless:
            raise ConfigError("the window is not part of this build; run it with --headless.")
        commands: dict[str | None, Callable[[Environment, argparse.Namespace], int]] = {
            None: _run,
            "enroll": _enroll,
            "status": _status,
            "backfill": _backfill,
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
    to.add_argument("--source", choices=("machine", "simulator"), default="machine", help="default machine")
    to.add_argument("--seed", type=int, default=1, metavar="N", help="which simulated machine, default 1")


def _folder(environment: Environment, asked: argparse.Namespace) -> DeviceFolder:
    return find(environment, getattr(asked, "client_id", None))


def _settings(environment: Environment, folder: DeviceFolder, interval: str | None) -> DeviceSettings:
    settings = DeviceSettings()
    if has_tables(folder.outbox):
        try:
            settings, refused = usable(settings, stored_settings(folder))
            for key, reason in refused.items():
                structlog.get_logger().warning("desktop.setting_refused", setting=key, reason=reason)
        except sqlite3.DatabaseError as error:  # the file is salvaged when it is opened for writing
            structlog.get_logger().warning("desktop.settings_unreadable", reason=str(error))
    return with_settings(settings, _local(environment, interval))


def _local(environment: Environment, interval: str | None) -> dict[str, str]:
    given = interval or environment.text("PULSE_DEVICE_INTERVAL")
    return {"sampling_interval": given} if given else {}


def _source(folder: DeviceFolder, kind: str, seed: int) -> Source:
    return simulator.Simulator(seed) if kind == "simulator" else Machine(folder.path)


def _run(environment: Environment, asked: argparse.Namespace) -> int:
    folder = _folder(environment, asked)
    identity = folder.identity()
    settings = _settings(environment, folder, asked.interval)
    broker_url = environment.text("PULSE_DEVICE_BROKER_URL")
    if broker_url:
        checked_url(broker_url, "PULSE_DEVICE_BROKER_URL", secure="mqtts", loopback_only="mqtt")
    lock = FolderLock(folder.path)
    clock = SystemClock()
    tokens = DeviceTokens(folder.path, identity, clock, broker_url or None)
    make_source = partial(_source, folder, asked.source, asked.seed)
    local = _local(environment, asked.interval)
    keys = sync_keys(folder.path, identity)
    structlog.get_logger().info("desktop.keys_kept", place=place_of(identity.signing_key))
    device = Device(Parts(folder, settings, tokens, make_source, clock, local=local, sync_keys=keys))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    device.start()
    is_well = device.watch(stopping)
    device.stop()
    lock.release()
    return 0 if is_well else 1


def _enroll(environment: Environment, asked: argparse.Namespace) -> int:
    folder = _folder(environment, asked)
    if load(folder.path) is not None and not asked.again:
        print(f"{folder.client_id} is enrolled already; --again replaces its keys.")
        return 0
    lock = FolderLock(folder.path)
    code = sys.stdin.read() if asked.code_file == "-" else read_secret_file(Path(asked.code_file), "--code-file")
    broker = asked.broker or environment.text("PULSE_DEVICE_BROKER_URL") or None
    api = (asked.api or environment.text("PULSE_API_URL")).rstrip("/")
    in_keyring = uses_keyring(environment.text("PULSE_DEVICE_KEYS"))
    identity = enroll(
        folder.path,
        folder.client_id,
        api_url=api,
        code=code,
        broker_url=broker,
        now=SystemClock().now,
        in_keyring=in_keyring,
    )
    lock.release()
    print(f"{identity.client_id} is enrolled at {identity.api_url}.")
    return 0


def _status(environment: Environment, asked: argparse.Namespace) -> int:
    figures = read_status(_folder(environment, asked))
    print(msgspec.json.encode(figures).decode() if asked.json else as_text(figures))
    return 0


def _backfill(environment: Environment, asked: argparse.Namespace) -> int:
    if asked.source != "simulator":
        raise ConfigError("only the simulator knows the past; give --source simulator.")
    if not 0 < asked.hours <= 10_000 or not 0.05 <= asked.every <= 3600:
        raise ConfigError("--hours goes from 0 to 10,000 and --every from 0.05 to 3600.")
    folder = _folder(environment, asked)
    settings = _settings(environment, folder, None)
    count = backfill(folder, settings, partial(simulator.values, asked.seed), hours=asked.hours, every_s=asked.every)
    print(f"{count} readings written for {folder.client_id}; they are sent when the device runs.")
    return 0
