"""
Proof that the tests of the invariants can fail: each patch beside this file breaks one of them.

A patch names, above its diff, the invariant, what it breaks and the test that must turn red. It is applied to a
temporary copy of the sources, never to the work tree; the copy imports its own sources. The named test must be green
without the patch and red with it, and red means a failed assertion, not a test that could not run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PARTS = ("acl", "sync", "runtime", "broker-config", "auth-api", "ingest-worker", "desktop", "tests")
SOURCES = {
    "pulse_acl": "acl/src",
    "pulse_sync": "sync/src",
    "pulse_runtime": "runtime/src",
    "pulse_broker": "broker-config/embedded/src",
    "pulse_auth": "auth-api/src",
    "pulse_ingest": "ingest-worker/src",
    "pulse_desktop": "desktop/src",
    "pulse_local": "broker-config/local/src",
}
WITHIN_S = 200.0
_HEADING = re.compile(r"^(Invariant|Breaks|Test): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch. ``test`` is a pytest node id; ``breaks`` is a sentence."""

    file: Path
    invariant: str
    breaks: str
    test: str

    @property
    def name(self) -> str:
        return self.file.stem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What pytest said; ``failed`` only when tests ran and failed, ``passed`` only when all did."""

    passed: bool
    failed: bool
    output: str


def mutants() -> list[Mutant]:
    """Return every patch beside this file, by name."""
    return [read_mutant(file) for file in sorted(HERE.glob("*.patch"))]


def read_mutant(file: Path) -> Mutant:
    """Return what the text above the diff of *file* says."""
    head, _, _ = file.read_text(encoding="utf-8").partition("\ndiff --git ")
    found = dict(_HEADING.findall(head))
    assert found.keys() == {"Invariant", "Breaks", "Test"}, f"{file.name} must name Invariant, Breaks and Test"
    return Mutant(file, found["Invariant"], found["Breaks"], found["Test"])


class Copy:
    """A copy of the sources and tests, in which patches are applied and tests are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        skipped = shutil.ignore_patterns("__pycache__", "node_modules", ".venv", ".hypothesis", "*.egg-info")
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=skipped)
        for file in ("pyproject.toml", "conftest.py"):
            shutil.copy(ROOT / file, folder / file)
        path = os.pathsep.join(str(folder / source) for source in SOURCES.values())
        self._variables = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        self._require_own_sources()

    def test(self, *nodes: str) -> Outcome:
        """Run tests of the copy."""
        options = ["-q", "-p", "no:cacheprovider", "--tb=short"]
        done = self._run(sys.executable, "-m", "pytest", *options, *nodes)
        failed = done.returncode == 1 and re.search(r"^\d+ failed", done.stdout, re.MULTILINE) is not None
        return Outcome(done.returncode == 0, failed and " error" not in _last_line(done.stdout), done.stdout)

    @contextlib.contextmanager
    def patched(self, mutant: Mutant) -> Iterator[None]:
        """Apply the patch for the length of a ``with`` block."""
        applied = self._run("git", "apply", str(mutant.file))
        assert applied.returncode == 0, f"{mutant.name} does not fit the sources any more:\n{applied.stderr}"
        try:
            yield
        finally:
            undone = self._run("git", "apply", "--reverse", str(mutant.file))
            assert undone.returncode == 0, undone.stderr

    def _require_own_sources(self) -> None:
        names = ", ".join(SOURCES)
        done = self._run(sys.executable, "-c", f"import {names}\nfor m in ({names}): print(m.__file__)")
        assert done.returncode == 0, done.stderr
        strangers = [line for line in done.stdout.split() if not Path(line).is_relative_to(self.folder)]
        assert not strangers, f"the copy imports foreign sources: {strangers}"

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # Outside any work tree, so that git applies by the paths alone.
        variables = {**self._variables, "GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        return subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )


@contextlib.contextmanager
def source_copy() -> Iterator[Copy]:
    """Give a copy of the sources; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pulse-mutants-") as folder:
        yield Copy(Path(folder).resolve())


def require_green(copy: Copy, chosen: Iterable[Mutant]) -> None:
    """Require that the named tests of *chosen* pass without any patch."""
    before = copy.test(*sorted({mutant.test for mutant in chosen}))
    assert before.passed, f"not green without a patch:\n{before.output}"


def killed_by(copy: Copy, mutant: Mutant) -> str:
    """Require that the named test turns red with the patch of *mutant*; return the first failed assertion."""
    with copy.patched(mutant):
        after = copy.test(mutant.test)
    assert after.failed, f"{mutant.test} does not turn red although {mutant.breaks}:\n{after.output}"
    return next((line[1:].strip() for line in after.output.splitlines() if line.startswith("E ")), "")


def main() -> int:
    """Try every mutant and print a line for each; 1 when one survives."""
    survivors = 0
    with source_copy() as copy:
        require_green(copy, mutants())
        for mutant in mutants():
            try:
                found = f"killed    {mutant.name}: {mutant.breaks} ({killed_by(copy, mutant)})"
            except AssertionError as error:
                survivors += 1
                found = f"SURVIVES  {mutant.name}: {error}"
            print(f"{mutant.invariant}  {found}", flush=True)
    return int(survivors > 0)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main())
