"""
Proof that the tests of the invariants can fail: each patch beside this file breaks one of them.

A patch names, above its diff, the invariant, what it breaks and the test that must turn red; in ``Long`` another one,
too long for every day, which ``python -m mutants.run`` requires to turn red as well. It is applied to a temporary copy
of the sources, never to the work tree; the copy imports its own sources. The named test must be green without the
patch and red with it, and red means a failed assertion, not a test that could not run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
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
LONG_WITHIN_S = 600.0
ENDED_WITHIN_S = 60.0
# The tests that are only looked at: how long each may take, for a mutant may let some hang, and how many are listed.
OTHERS_TIMEOUT_S, OTHERS_LISTED = 30, 15
_HEADING = re.compile(r"^(Invariant|Breaks|Test|Long): (.+)$", re.MULTILINE)
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch. ``test`` and ``long_test`` (may be empty) are pytest node ids; ``breaks`` is a sentence."""

    file: Path
    invariant: str
    breaks: str
    test: str
    long_test: str = ""

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def others(self) -> tuple[str, ...]:
        """The tests beside the named one: its file and the unit tests of its part."""
        file = self.test.partition("::")[0]
        return f"{file.partition('/tests/')[0]}/tests/unit", file


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
    assert {"Invariant", "Breaks", "Test"} <= found.keys(), f"{file.name} must name Invariant, Breaks and Test"
    return Mutant(file, found["Invariant"], found["Breaks"], found["Test"], found.get("Long", ""))


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

    def test(self, *nodes: str, within_s: float = WITHIN_S) -> Outcome:
        """Run tests of the copy."""
        options = ["-q", "-p", "no:cacheprovider", "--tb=short"]
        done = self._run(sys.executable, "-m", "pytest", *options, *nodes, within_s=within_s)
        failed = done.returncode == 1 and re.search(r"^\d+ failed", done.stdout, re.MULTILINE) is not None
        return Outcome(done.returncode == 0, failed and " error" not in _last_line(done.stdout), done.stdout)

    def red(self, nodes: Iterable[str]) -> set[str]:
        """Return the node ids of the tests under *nodes* that fail or cannot run."""
        bounds = [f"--timeout={OTHERS_TIMEOUT_S}", f"--maxfail={OTHERS_LISTED}"]
        options = ["-q", "-p", "no:cacheprovider", "--tb=no", *bounds]
        done = self._run(sys.executable, "-m", "pytest", *options, *nodes, within_s=LONG_WITHIN_S)
        return set(_RED.findall(done.stdout))

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

    def _run(self, *command: str, within_s: float = WITHIN_S) -> subprocess.CompletedProcess[str]:
        # Outside any work tree, so that git applies by the paths alone.
        variables = {**self._variables, "GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=self.folder, env=variables, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                said = process.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)  # so that a test can end the programs that it has started
                said = process.communicate(timeout=ENDED_WITHIN_S)
        return subprocess.CompletedProcess(command, process.returncode, *said)


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
        return _red_assertion(copy, mutant, mutant.test, WITHIN_S)


def _red_assertion(copy: Copy, mutant: Mutant, test: str, within_s: float) -> str:
    after = copy.test(test, within_s=within_s)
    assert after.failed, f"{test} does not turn red although {mutant.breaks}:\n{after.output}"
    return next((line[1:].strip() for line in after.output.splitlines() if line.startswith("E ")), "")


def main() -> int:
    """Try the mutants named on the command line (else all) and tell what turned red; 1 when one survives."""
    survivors = 0
    chosen = [mutant for mutant in mutants() if mutant.name in sys.argv[1:] or not sys.argv[1:]]
    with source_copy() as copy:
        require_green(copy, chosen)
        red_before = {others: copy.red(others) for others in {mutant.others for mutant in chosen}}
        for long_test in {mutant.long_test for mutant in chosen if mutant.long_test}:
            assert copy.test(long_test, within_s=LONG_WITHIN_S).passed, f"not green without a patch: {long_test}"
        for mutant in chosen:
            try:
                print("\n    ".join(_tried(copy, mutant, red_before[mutant.others])), flush=True)
            except AssertionError as error:
                survivors += 1
                print(f"{mutant.invariant}  SURVIVES  {mutant.name}: {error}", flush=True)
    return int(survivors > 0)


def _tried(copy: Copy, mutant: Mutant, red_before: set[str]) -> list[str]:
    with copy.patched(mutant):
        killed = _red_assertion(copy, mutant, mutant.test, WITHIN_S)
        lines = [f"{mutant.invariant}  killed    {mutant.name}: {mutant.breaks} ({killed})"]
        if mutant.long_test:
            why = _red_assertion(copy, mutant, mutant.long_test, LONG_WITHIN_S)
            lines.append(f"red by {mutant.long_test} ({why})")
        lines += [f"also red: {test}" for test in sorted(copy.red(mutant.others) - red_before - {mutant.test})]
    return lines


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main())
