"""
``docs/failure-cases.md`` and the tests say the same: a test whose name ends in ``_case_N`` stands in row N, and a
test that a row names is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "failure-cases.md"
PARTS = ("acl", "sync", "runtime", "broker-config", "auth-api", "ingest-worker", "desktop", "tests")
CASES = range(1, 44)
_ROW = re.compile(r"^\| (?P<case>\d+) \| (?P<way_out>[^|]+) \| (?P<shown>[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)
_NUMBERS = re.compile(r"_case((?:_\d+)+)$")


def rows() -> dict[int, str]:
    """Return what each row of the page names as shown by."""
    found = [(int(row["case"]), row["shown"]) for row in _ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    assert len(found) == len(dict(found)), "a case has two rows"
    return dict(found)


def named(shown: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", shown))


def every_test() -> Iterator[str]:
    for part in PARTS:
        for file in (ROOT / part).rglob("test_*.py"):
            if "node_modules" not in file.parts:
                yield from _TEST.findall(file.read_text(encoding="utf-8"))


def cases_of(test: str) -> set[int]:
    found = _NUMBERS.search(test)
    return {int(number) for number in found[1].split("_")[1:]} if found else set()


def test_failure_cases_page_has_a_row_for_each_case():
    assert sorted(rows()) == list(CASES)
    empty = [case for case, shown in rows().items() if not named(shown) and "not yet: issue" not in shown]
    assert empty == [], "neither a test nor the issue that is to bring it"


def test_failure_cases_every_test_that_is_named_is_there():
    there = set(every_test())
    missing = {case: names - there for case, shown in rows().items() if (names := named(shown)) - there}
    assert missing == {}


def test_failure_cases_every_test_with_a_number_stands_in_its_row():
    shown = {case: named(text) for case, text in rows().items()}
    homeless = {test for test in every_test() for case in cases_of(test) if test not in shown.get(case, set())}
    assert homeless == set(), f"add them to {PAGE.relative_to(ROOT)}"
