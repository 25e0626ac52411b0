"""The table of problems: complete, unambiguous, and what it never tells."""

from __future__ import annotations

import re

from pulse_auth import errors
from pulse_auth.http.problems import PROBLEMS


def _subclasses(kind: type[Exception]) -> set[type[Exception]]:
    direct = set(kind.__subclasses__())
    return direct | {one for child in direct for one in _subclasses(child)}


def test_problems_every_refusal_has_a_row_of_its_own() -> None:
    ours = {kind for kind in _subclasses(errors.RefusalError) if kind.__module__ == errors.__name__}
    assert ours <= PROBLEMS.keys()


def test_problems_slugs_are_unique_and_statuses_are_of_callers_or_outages() -> None:
    slugs = [problem.slug for problem in PROBLEMS.values()]
    assert len(slugs) == len(set(slugs))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)
    assert all(400 <= problem.status < 500 or problem.status == 503 for problem in PROBLEMS.values())
