"""The command ``pulse-desktop``. Read next: ``program``."""

from __future__ import annotations

import sys

from pulse_runtime.program import run_program

from .program import NAME
from .program import main as run


def main() -> None:
    """Run and exit with the program's code."""
    sys.exit(run_program(NAME, run))


if __name__ == "__main__":
    main()
