"""Run a schedule of faults and print its one line; ``make faults``."""

from __future__ import annotations

import argparse
import sys

from faults.run import run, say_on_stderr


def main() -> int:
    """Print what became of the readings; 1 when any is missing, doubled, altered or declared lost."""
    asked = argparse.ArgumentParser(prog="faults", description=__doc__)
    asked.add_argument("--seconds", type=float, default=60.0, help="how long faults go on, default 60")
    asked.add_argument("--seed", type=int, default=1, help="which schedule, default 1")
    asked.add_argument("--devices", type=int, default=4, help="how many devices, default 4")
    given = asked.parse_args()
    report = run(given.seconds, given.seed, given.devices, say_on_stderr)
    say_on_stderr(report.story)
    print(report.verdict)
    return int(not report.is_sound)


if __name__ == "__main__":
    sys.exit(main())
