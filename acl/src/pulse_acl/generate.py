"""
Write every file that is generated from the contract, or check that none has drifted: ``python -m pulse_acl.generate``.

The only module of this package that touches files. Which text each file gets is decided in ``emit``. Needs
PyYAML, unlike the rest of the package.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .emit.asyncapi import asyncapi_yaml
from .emit.emqx_acl import acl_conf
from .emit.json_schema import json_schemas
from .emit.topic_table import topic_page
from .emit.typescript_payloads import payloads_ts
from .emit.typescript_topics import topics_ts
from .payloads import PAYLOADS

_TOPIC_PAGE = Path("docs/mqtt-topics.md")
_ASYNCAPI = Path("docs/asyncapi.yaml")
_EXAMPLES = Path("acl/cases/examples")
_GENERATED_ONLY = Path("acl/generated")
_ROOT = Path(__file__).parents[3]


def generated_files(root: Path) -> dict[Path, str]:
    """
    Return path below *root* → what it should hold.

    Raises:
        OSError: The topic page or an example that it shows cannot be read.
        ValueError: The topic page lacks a marker.
    """
    page = (root / _TOPIC_PAGE).read_text(encoding="utf-8")
    examples = {
        name: (root / _EXAMPLES / name / "valid" / "documented.json").read_text(encoding="utf-8") for name in PAYLOADS
    }
    schemas = {_GENERATED_ONLY / "json-schema" / name: text for name, text in json_schemas().items()}
    return {
        Path("broker-config/acl.conf"): acl_conf(),
        _ASYNCAPI: asyncapi_yaml(examples),
        Path("dashboard/src/contract/payloads.ts"): payloads_ts(),
        Path("dashboard/src/contract/topics.ts"): topics_ts(),
        _TOPIC_PAGE: topic_page(page, examples),
        **schemas,
    }


def drifted(root: Path) -> list[Path]:
    """Return the files below *root* that are missing, left over, or hold something else than they should."""
    wanted = generated_files(root)
    found = {path.relative_to(root) for path in (root / _GENERATED_ONLY).rglob("*") if path.is_file()}
    return sorted({path for path, text in wanted.items() if _read(root / path) != text} | (found - wanted.keys()))


def write(root: Path) -> list[Path]:
    """Write what has drifted below *root*, remove what is left over, and return both."""
    wanted = generated_files(root)
    changed = drifted(root)
    for path in changed:
        if path not in wanted:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(wanted[path], encoding="utf-8")
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 when ``--check`` finds a drifted file, else 0."""
    parser = argparse.ArgumentParser(prog="python -m pulse_acl.generate", description=(__doc__ or "").split("\n")[1])
    parser.add_argument("--check", action="store_true", help="write nothing; name each drifted file and exit with 1")
    parser.add_argument("--root", type=Path, default=_ROOT, help="the repository's folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    changed = drifted(options.root) if options.check else write(options.root)
    for path in changed:
        sys.stdout.write(
            f"{path} {'has drifted from the contract; run make generate' if options.check else 'written'}\n"
        )
    return 1 if changed and options.check else 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
