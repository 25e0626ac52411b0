"""``python -m api_contract [--examples N] [--seed N] [--seconds N]``: the long run; 1 when anything was found."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from support.stack import running_stack

from .drill import Effort, run


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m api_contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="requests made up for each call (default: 100)")
    parser.add_argument("--seed", type=int, default=1, help="of chance; the same seed makes up the same requests")
    parser.add_argument("--seconds", type=int, default=0, help="what it may take (default: as long as it takes)")
    options = parser.parse_args()
    effort = Effort("examples,coverage,fuzzing,stateful", options.examples, options.seed, options.seconds)
    with running_stack("postgres", "broker", "auth-api") as stack, tempfile.TemporaryDirectory() as folder:
        done = run(stack, effort, Path(folder))
    print(done.stdout, done.stderr, sep="\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
