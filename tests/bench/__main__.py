"""Run every benchmark, or the named ones, and print their lines; ``make bench``, ``make bench ONLY=ingest``."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence

from bench.figures import Line
from pulse_runtime.logs import configure_logs

NAMES = (
    "outbox",
    "archive",
    "ingest",
    "workers",
    "flush",
    "latency",
    "memory",
    "device",
    "embedded",
    "mirror",
    "screen",
    "heap",
    "window",
)


def main() -> int:
    """Print the figures; 1 when a bar was missed."""
    asked = argparse.ArgumentParser(prog="bench", description=__doc__)
    asked.add_argument(
        "names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=f"{', '.join(NAMES)}; default: all"
    )
    names = asked.parse_args().names or NAMES
    configure_logs("bench", "warning")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    lines: list[Line] = []
    for name in names:
        for line in _measured(name):
            print(line, flush=True)
            lines.append(line)
    return int(any(line.missed for line in lines))


def _measured(name: str) -> Sequence[Line]:
    # Imported when its turn comes: the device's small benchmark need not wait for a browser's packages.
    found = importlib.import_module(f"bench.{name}").measure()
    return found if isinstance(found, list) else [found]


if __name__ == "__main__":
    sys.exit(main())
