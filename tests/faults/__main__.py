"""Run a schedule of faults and print its one line; ``make faults``."""

from __future__ import annotations

import argparse
import signal
import sys

from faults.plant import BROKERS, EMBEDDED
from faults.run import run, say_on_stderr


def main() -> int:
    """Print what became of the readings; 1 when any is missing, doubled or altered, or was lost without a word."""
    asked = argparse.ArgumentParser(prog="faults", description=__doc__)
    asked.add_argument("--seconds", type=float, default=60.0, help="how long faults go on, default 60")
    asked.add_argument("--seed", type=int, default=1, help="which schedule, default 1")
    asked.add_argument("--devices", type=int, default=5, help="how many devices, default 5")
    asked.add_argument("--broker", choices=list(BROKERS), default=EMBEDDED, help=f"default {EMBEDDED}")
    given = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    report = run(given.seconds, given.seed, given.devices, say_on_stderr, given.broker)
    say_on_stderr(f"{report.memory.table()}\n{report.story}")
    print(report.verdict)
    return int(not report.is_sound)


if __name__ == "__main__":
    sys.exit(main())
