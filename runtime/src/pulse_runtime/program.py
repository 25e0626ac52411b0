"""How every program starts and ends: one sentence and a non-zero exit when its configuration is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from . import __version__
from .errors import ConfigError


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser that already knows ``--help`` and ``--version``."""
    made = argparse.ArgumentParser(prog=name, description=description, allow_abbrev=False)
    made.add_argument("--version", action="version", version=f"{name} {__version__}")
    return made


def run_program(name: str, main: Callable[[], int | None]) -> int:
    """Run *main* and return the exit code: its own, 2 for a wrong configuration, 130 when interrupted."""
    try:
        return main() or 0
    except ConfigError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
