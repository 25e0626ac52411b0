"""``python -m documents [--check]``; only this module writes, what it writes is decided in the others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .generated import drifted, wanted

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 when ``--check`` finds a drifted document, else 0."""
    parser = argparse.ArgumentParser(prog="python -m documents")
    parser.add_argument("--check", action="store_true", help="write nothing; name each drifted document, exit with 1")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository's folder")
    options = parser.parse_args(arguments)
    documents = wanted(options.root)
    changed = drifted(options.root, documents)
    for path in changed:
        if not options.check:
            (options.root / path).write_text(documents[path], encoding="utf-8")
        print(f"{path} {'has drifted from the code; run make generate' if options.check else 'written'}")
    return 1 if changed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
