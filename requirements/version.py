"""
The one version of all parts: ``version.py`` prints it, ``version.py 0.2.0`` writes it everywhere.

Runs on a bare Python 3.11 like ``install.py``, for the release workflow asks it which tag fits.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FORM = re.compile(r"\d+\.\d+\.\d+")
# Where a version stands: glob below ROOT, what surrounds it, and how often it does (0: wherever it does).
_PLACES = (
    ("*/pyproject.toml", re.compile(r'^(version = ")([^"]+)(")', re.MULTILINE), 1),
    ("broker-config/*/pyproject.toml", re.compile(r'^(version = ")([^"]+)(")', re.MULTILINE), 1),
    ("*/src/*/__init__.py", re.compile(r'^(__version__ = ")([^"]+)(")', re.MULTILINE), 1),
    ("broker-config/*/src/*/__init__.py", re.compile(r'^(__version__ = ")([^"]+)(")', re.MULTILINE), 1),
    ("dashboard/package.json", re.compile(r'^(  "version": ")([^"]+)(")', re.MULTILINE), 1),
    (
        "dashboard/package-lock.json",
        re.compile(r'^((?:  |      )"version": ")([^"]+)(")', re.MULTILINE),
        2,
    ),  # then all others come
    ("sonar-project.properties", re.compile(r"^(sonar.projectVersion=)(\S+)()", re.MULTILINE), 1),
    ("compose.yaml", re.compile(r"(\$\{PULSE_VERSION:-)([^}]+)(\})"), 0),
)
_GENERATED = "make generate"  # writes it into .env.example, docs/configuration.md and docs/openapi.yaml


def places(root: Path = ROOT) -> Iterator[tuple[Path, re.Pattern[str], list[str]]]:
    """Yield each file that has a version, its pattern, and the versions that stand there."""
    for glob, pattern, times in _PLACES:
        for path in sorted(root.glob(glob)):
            found = [match[2] for match in pattern.finditer(path.read_text(encoding="utf-8"))]
            if found:
                yield path, pattern, found[: times or len(found)]


def present(root: Path = ROOT) -> dict[Path, set[str]]:
    """Return file → the versions in it."""
    return {path: set(found) for path, _, found in places(root)}


def write(version: str, root: Path = ROOT) -> None:
    """Write *version* into every place."""
    for path, pattern, found in list(places(root)):
        text = path.read_text(encoding="utf-8")
        path.write_text(pattern.sub(rf"\g<1>{version}\g<3>", text, count=len(found)), encoding="utf-8")


def main() -> None:
    """Print the version, or write another."""
    if len(sys.argv) > 1:
        if not _FORM.fullmatch(sys.argv[1]):
            sys.exit(f"PrecisionPulse: {sys.argv[1]!r} is no version; give three numbers like 0.2.0.")
        write(sys.argv[1])
        print(f"Now {_GENERATED}, and a heading in CHANGELOG.md.", file=sys.stderr)
    found = present()
    versions = set[str]().union(*found.values())
    if len(versions) != 1:
        sys.exit("PrecisionPulse: the parts differ:\n" + "\n".join(f"{path}: {found[path]}" for path in found))
    print(versions.pop())


if __name__ == "__main__":
    main()
