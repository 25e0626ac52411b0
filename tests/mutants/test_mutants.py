"""Every mutant is killed by the test that it names; each invariant has at least one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mutants.run import ROOT, Copy, Mutant, killed_by, mutants, require_green, source_copy


@pytest.fixture(scope="module")
def copy() -> Iterator[Copy]:
    with source_copy() as made:
        require_green(made, mutants())
        yield made


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: f"{mutant.invariant}-{mutant.name}")
def test_mutant_turns_its_named_test_red(copy: Copy, mutant: Mutant):
    assert killed_by(copy, mutant)


def test_every_invariant_has_a_mutant():
    delivery, sync = (f"L{number}" for number in range(1, 8)), (f"S{number}" for number in range(1, 7))
    assert {mutant.invariant for mutant in mutants()} == {*delivery, *sync}


@pytest.mark.parametrize(("page", "invariants"), [("guarantee.md", "L"), ("sync-protocol.md", "S")])
def test_page_names_tests_that_exist_and_every_mutant_of_its_invariants(page: str, invariants: str):
    text = (ROOT / "docs" / page).read_text()
    parts = ("sync", "auth-api", "desktop", "ingest-worker", "tests")
    files = [file for part in parts for file in (ROOT / part).rglob("test_*.py")]
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 10
    assert named <= there
    assert all(f"`{mutant.name}`" in text for mutant in mutants() if mutant.invariant.startswith(invariants))
