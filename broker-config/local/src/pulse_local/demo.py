"""``make run DEMO=1``: five simulated devices with a day of history, an operator and a viewer."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import structlog

from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

from .device import DevicePlan, start, wait_for_api

log = structlog.get_logger()
DEVICES = ("press-line-1", "press-line-2", "kiln", "compressor", "test-bench")
PEOPLE = {"operator": "OPERATOR", "viewer": "VIEWER"}


def start_device(environment: Environment) -> None:
    """
    Become one of the simulated devices; which one, honcho says (``demo.1`` to ``demo.5``).

    Raises:
        ConfigError: There are only five.
        NotYetError: The API does not come up.
    """
    number = int(os.environ.get("HONCHO_PROCESS_NAME", "demo.1").rpartition(".")[2])
    if not 1 <= number <= len(DEVICES):
        raise ConfigError(f"there are {len(DEVICES)} demo devices, not {number}.")
    if number == 1:
        wait_for_api(environment)
        _make_people(environment.home())
    options = ("--source", "simulator", "--seed", str(number))
    start(DevicePlan(DEVICES[number - 1], options, backfill_h=24, backfill_every_s=60), environment)


def _make_people(home: Path) -> None:
    for name, role in PEOPLE.items():
        file = home / "demo-people" / name
        if (file.parent / f"{name}.made").exists():
            continue
        create_private(file, secrets.token_urlsafe(12).encode())
        command = ["create-user", "--username", name, "--role", role, "--password-file", str(file)]
        program = str(Path(sys.executable).with_name("pulse-auth-api"))
        done = subprocess.run([program, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            log.warning("local.demo_person_refused", name=name, reason=done.stderr.strip()[-500:])
        create_private(file.parent / f"{name}.made", b"")
