"""Each case of the recorded table of EMQX that has a counterpart, played on the embedded broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.conformance import connecting, key_sets, limits, management, rights, sessions
from support.conformance.page import PAGE, page
from support.conformance.play import Play
from support.conformance.table import Case, cases, comparable, listed, twins

CASES, LISTED = cases(), listed()
PLAYED = [case for case in CASES if case.number not in twins(CASES) | LISTED.without.keys()]
RUNS: dict[str, Any] = {}
for part in (connecting, key_sets, limits, management, rights, sessions):
    assert RUNS.keys().isdisjoint(part.RUNS)
    RUNS |= part.RUNS


def run_of(case: Case) -> Any:
    """Return what plays *case*: the longest name that its own begins with."""
    found = max((name for name in RUNS if case.name.startswith(name)), key=len, default=None)
    assert found is not None, f"nothing plays case {case.number}, {case.name}"
    return RUNS[found]


@pytest.mark.parametrize("group", sorted({case.group for case in PLAYED}))
async def test_conformance_broker_answers_as_recorded_or_as_listed(
    bench: Any, at_home: Any, tmp_path: Path, group: str
) -> None:
    bench.settings.jwks_file.write_text(connecting.KEYS.jwks(bench.mint))
    bench.expected_errors.add("tokens.keys_unreadable")
    play, wrong = Play(bench, at_home, tmp_path), []
    for case in (one for one in PLAYED if one.group == group):
        try:
            answered = await run_of(case)(play, case)
        except (AssertionError, TimeoutError, ConnectionError) as error:
            answered = f"{type(error).__name__}: {error}"
        await play.finish()
        difference = LISTED.differences.get(case.number)
        if answered != (comparable(case) if difference is None else difference.answer):
            seen = f"EMQX {_json(comparable(case))}\n  here {_json(answered)}"
            wrong.append(f"{case.number} {case.name}\n  {seen}\n  listed {difference}")
    assert not wrong, "\n".join(["answers that are neither EMQX's nor listed:", *wrong])


def test_conformance_each_case_is_played_or_said_to_have_no_counterpart() -> None:
    assert len(CASES) == 349
    names = {case.number: case.name for case in PLAYED}
    assert LISTED.differences.keys() <= names.keys()
    for case in PLAYED:
        run_of(case)
    by_none = set(RUNS) - {max((name for name in RUNS if one.startswith(name)), key=len) for one in names.values()}
    assert not by_none, "played by nobody"


def test_conformance_what_is_listed_as_a_difference_is_one() -> None:
    same = [
        case.number
        for case in PLAYED
        if case.number in LISTED.differences and LISTED.differences[case.number].answer == comparable(case)
    ]
    assert not same


def _json(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)


def test_conformance_page_of_the_documentation_says_the_same() -> None:
    assert PAGE.read_text() == page(), "write it anew: PYTHONPATH=tests .venv/bin/python -m support.conformance.page"
