"""``pulse-auth-api doctor``: examines the deployment from here; 0 when nothing is wrong, 1 when something is."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace

from ..clock import system_clock
from ..doctor.examination import examine
from ..doctor.findings import Level, as_json, as_text, worst
from ..settings import Settings


def add(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: Namespace, settings: Settings) -> int:
    """Examine and print; warnings alone do not make the exit code 1."""
    findings = asyncio.run(examine(settings, system_clock))
    print((as_json if options.json else as_text)(findings))  # noqa: T201 - the command's result
    return 1 if worst(findings) is Level.WRONG else 0
