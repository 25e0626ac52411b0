"""The command ``pulse-local``: what the Makefile and the Procfile call."""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is imported: an end without a traceback
# ruff: noqa: E402

import argparse
import asyncio
import os
import sys
from pathlib import Path

from pulse_runtime.environment import Environment
from pulse_runtime.logs import configure_logs
from pulse_runtime.program import parser, run_program

from . import demo, device, link, stack


def main() -> int:
    """Run the command line and return the exit code."""
    arguments = _parser().parse_args()
    environment = Environment(os.environ)
    try:
        return run_program("pulse-local", lambda: _run(arguments, environment))
    except device.NotYetError as error:
        print(f"pulse-local: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    made = parser("pulse-local", "Everything of PrecisionPulse on one machine.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="start everything and wait for Ctrl-C")
    run.add_argument("--procfile", type=Path, default=Path("Procfile"))
    run.add_argument("--demo", action="store_true", help="add five simulated devices, two people and a day of history")
    commands.add_parser("device", help="the first device: this machine, through the link that can be cut")
    commands.add_parser("demo-device", help="one of the simulated devices")
    commands.add_parser("desktop", help="a second device of this machine beside the running one, with its window")
    commands.add_parser("link", help="the cable between the first device and the broker")
    for name, text in (("cut", "cut the cable"), ("stall", "let packets vanish"), ("mend", "join the cable again")):
        commands.add_parser(name, help=text)
    return made


def _run(arguments: argparse.Namespace, environment: Environment) -> int:
    home = environment.home()
    configure_logs("local", environment.text("PULSE_LOG_LEVEL"))
    if arguments.command == "run":
        return stack.run(environment, arguments.procfile.absolute(), demo_devices=len(demo.DEVICES) * arguments.demo)
    if arguments.command in link.COMMANDS:
        print(f"The link is {link.ask(home / 'run' / 'link.sock', arguments.command)}.")
        return 0
    if arguments.command == "link":
        asyncio.run(_link(environment, home))
    elif arguments.command == "demo-device":
        demo.start_device(environment)
    elif arguments.command == "desktop":
        device.start(device.DevicePlan(device.host_id("-desktop"), has_window=True), environment)
    else:
        device.start(device.DevicePlan(device.first_device_id(home), through_link=True), environment)
    return 0


async def _link(environment: Environment, home: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    forwarder = link.Link(environment.port("PULSE_LINK_PORT"), environment.port("PULSE_MQTTS_PORT"))
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    await link.run(forwarder, home / "run" / "link.sock", stop)


if __name__ == "__main__":
    sys.exit(main())
