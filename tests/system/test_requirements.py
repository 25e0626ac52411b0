"""The programs work with requirements/run.txt alone, as `make run` installs it; the tests' own packages are more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

LOCK = Path(__file__).parents[2] / "requirements" / "run.txt"
# Hides the modules of every installed package that is not named on the command line, then imports one module.
ONLY = """
import importlib, sys
from importlib.metadata import packages_distributions
module, *kept = sys.argv[1:]
plain = lambda name: name.lower().replace("_", "-").replace(".", "-")
for top, owners in packages_distributions().items():
    if not any(plain(owner) in kept or plain(owner).startswith("pulse-") for owner in owners):
        sys.modules[top] = None
importlib.import_module(module)
"""


@pytest.mark.parametrize(
    "module",
    [
        "pulse_auth.commands.serve",
        "pulse_auth.commands.postgres",
        "pulse_auth.commands.create_user",
        "pulse_auth.commands.enrollment_code",
        "pulse_auth.commands.migrate",
        "pulse_broker.__main__",
        "pulse_desktop.__main__",
        "pulse_ingest.__main__",
        "pulse_local.__main__",
        "pulse_local.supervise",
    ],
)
def test_programs_import_only_what_a_run_installs(module: str):
    kept = re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(), re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", ONLY, module, *kept], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
