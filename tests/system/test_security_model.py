"""``docs/security-model.md``: each threat names a test that tries it, and every test that it names is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security-model.md"
LOCKS = ("run", "window", "dev", "audit")
_ROW = re.compile(
    r"^\| (?P<id>[A-Z]\d+) \| (?P<threat>[^|]+) \| (?P<answer>[^|]+) \| (?P<tried>[^|]+) \|$", re.MULTILINE
)
_TEST = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)


def rows() -> dict[str, set[str]]:
    """Return threat → the tests that it names."""
    found = [(row["id"], row["tried"]) for row in _ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    assert len(found) == len(dict(found)), "two threats have one id"
    return {threat: set(re.findall(r"`(test_\w+)`", tried)) for threat, tried in found}


def every_test() -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*test_*.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    files = [ROOT / name for name in done.stdout.split()]
    return {test for file in files if file.exists() for test in _TEST.findall(file.read_text(encoding="utf-8"))}


def test_every_threat_names_a_test() -> None:
    found = rows()
    assert len(found) > 40
    assert [threat for threat, tests in found.items() if not tests] == []
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-Z]\d+ ", line)]
    assert len(lines) == len(found), "a row is not formed like the others"


def test_every_test_that_a_threat_names_is_there() -> None:
    there = every_test()
    missing = {threat: lacking for threat, tests in rows().items() if (lacking := tests - there)}
    assert missing == {}


def test_dependencies_are_locked_with_hashes_and_name_no_address() -> None:
    for name in LOCKS:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        pinned = re.findall(r"^([a-z0-9][\w.\[\]-]*)(==\S+)?(.*)$", text, re.MULTILINE | re.IGNORECASE)
        assert len(pinned) > 20, name
        for package, version, rest in pinned:
            assert version, f"{name}.txt: {package} is not pinned"
            assert rest.endswith("\\"), f"{name}.txt: {package} has no hash"
        assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links", text), name
    lock = (ROOT / "dashboard" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 300
