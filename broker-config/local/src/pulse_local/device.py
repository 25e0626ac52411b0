"""
Start a device of this machine: enroll it when that has not been done, then become ``pulse-desktop``.

Whoever may read ``PULSE_HOME`` may enroll here; the one-time code goes from program to program through a
0600 file and never onto a command line.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog

from pulse_runtime.environment import Environment
from pulse_runtime.private_files import create_private, write_private

log = structlog.get_logger()
API_WAIT_S = 120.0


class NotYetError(Exception):
    """A device could not be started now; trying again can help. ``str()`` is a sentence."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Which device to run and how; ``backfill_h``: hours of history to write before its first start."""

    client_id: str
    options: Sequence[str] = ()
    through_link: bool = False
    backfill_h: int = 0
    backfill_every_s: int = 30
    has_window: bool = False
    variables: dict[str, str] = field(default_factory=dict)


def host_id(suffix: str = "") -> str:
    """Return this host's name made to fit a device id, at most 64 characters with *suffix*."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-.") or "device"
    return name[: 64 - len(suffix)] + suffix


def first_device_id(home: Path) -> str:
    """Return the first device's id: the host name at the first start, kept when the host is renamed."""
    return create_private(home / "first-device", host_id().encode()).decode()


def start(plan: DevicePlan, environment: Environment) -> None:
    """
    Enroll when needed and replace this process by the client.

    Raises:
        NotYetError: The API does not come up, or refuses the enrollment.
    """
    home = environment.home()
    folder = home / "devices" / plan.client_id
    os.environ.update(plan.variables)
    if not (folder / "identity.json").exists():
        wait_for_api(environment)
        _enroll(plan, environment, home)
    if plan.backfill_h and not (folder / "backfilled").exists():
        _run("pulse-desktop", "backfill", "--client-id", plan.client_id, "--hours", str(plan.backfill_h), "--every",
             str(plan.backfill_every_s), "--source", "simulator", *_seed(plan.options))  # fmt: skip
        write_private(folder / "backfilled", b"")
    program = str(Path(sys.executable).with_name("pulse-desktop"))
    shown = [] if plan.has_window else ["--headless"]
    os.execv(program, [program, *shown, "--client-id", plan.client_id, *plan.options])  # noqa: S606 - no shell is wanted


def _seed(options: Sequence[str]) -> Sequence[str]:
    where = list(options).index("--seed") if "--seed" in options else None
    return () if where is None else options[where : where + 2]


def wait_for_api(environment: Environment) -> None:
    """
    Wait until the API answers that it is ready.

    Raises:
        NotYetError: It did not within two minutes.
    """
    address, until = environment.text("PULSE_API_URL"), time.monotonic() + API_WAIT_S
    log.info("local.api_awaited", address=address, at_most_s=API_WAIT_S)
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/readyz", timeout=2).is_success and environment.path("PULSE_CA_FILE").exists():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise NotYetError(f"the API at {address} is not ready after {API_WAIT_S:g} s; see logs/auth-api.log.")


def _enroll(plan: DevicePlan, environment: Environment, home: Path) -> None:
    code = _run("pulse-auth-api", "enrollment-code", "--client-id", plan.client_id)
    file = home / "run" / f"enrollment-{plan.client_id}"
    write_private(file, code.encode())
    broker = f"mqtts://127.0.0.1:{environment.port('PULSE_LINK_PORT')}"
    try:
        _run(
            "pulse-desktop", "enroll", "--client-id", plan.client_id, "--api", environment.text("PULSE_API_URL"),
            "--code-file", str(file), *(["--broker", broker] if plan.through_link else []),
        )  # fmt: skip
    finally:
        file.unlink(missing_ok=True)
    log.info("local.device_enrolled", client_id=plan.client_id)


def _run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotYetError(f"{program} {arguments[0]} failed: {last}")
    return done.stdout.strip()
