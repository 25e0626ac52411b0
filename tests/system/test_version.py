"""All parts have one version, the changelog begins with it, and one command changes it everywhere."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def version() -> ModuleType:
    spec = importlib.util.spec_from_file_location("version", ROOT / "requirements" / "version.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tracked(*patterns: str) -> list[str]:
    done = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, check=True, text=True)
    return done.stdout.split()


def test_every_part_has_the_one_version(version: ModuleType) -> None:
    found = version.present()
    assert len(set().union(*found.values())) == 1, found
    named = {str(path.relative_to(ROOT)) for path in found}
    parts = [one for one in tracked("*pyproject.toml") if "project" in tomllib.loads((ROOT / one).read_text())]
    with_a_word = [one for one in tracked("*__init__.py") if "\n__version__" in (ROOT / one).read_text()]
    others = {"dashboard/package.json", "dashboard/package-lock.json", "compose.yaml", "sonar-project.properties"}
    assert named == {*parts, *with_a_word, *others}


def test_changelog_begins_with_the_version(version: ModuleType) -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None
    assert {first[1]} == set().union(*version.present().values())


def test_write_changes_every_place_and_nothing_else(version: ModuleType, tmp_path: Path) -> None:
    for path in version.present():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    before = {path: path.read_text().splitlines() for path in version.present(tmp_path)}
    version.write("12.34.56", tmp_path)
    assert set().union(*version.present(tmp_path).values()) == {"12.34.56"}
    for path, lines in before.items():
        after = path.read_text().splitlines()
        changed = sum(one != other for one, other in zip(lines, after, strict=True))
        images = sum("${PULSE_VERSION:-" in line for line in lines)
        assert changed == {"package-lock.json": 2, "compose.yaml": images}.get(path.name, 1) > 0, path
