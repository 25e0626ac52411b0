"""Run every benchmark and print its line; ``make bench``."""

from __future__ import annotations

import sys

from bench import archive, outbox
from pulse_runtime.logs import configure_logs


def main() -> int:
    """Print the figures; 1 when a bar was missed."""
    configure_logs("bench", "warning")
    figures = []
    for benchmark in (outbox, archive):
        figures.append(benchmark.measure())
        print(figures[-1], flush=True)
    return int(any(figure.ratio < figure.bar for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
