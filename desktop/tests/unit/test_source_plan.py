"""Which sources a device has: the file, its mistakes, and what is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.sources.base import Option, SourceConfigError
from pulse_desktop.core.sources.builtin import BUILT_IN
from pulse_desktop.core.sources.group import SourceState
from pulse_desktop.core.sources.options import checked_options
from pulse_desktop.core.sources.plan import FILE_NAME, MOST_SOURCES, read_plan, write_plan
from pulse_desktop.core.sources.registry import installed_kinds, load_kind
from pulse_desktop.core.sources.trial import tried
from support.plug_ins import install_plug_ins


def write(folder: Path, sources: Any) -> None:
    (folder / FILE_NAME).write_text(json.dumps({"sources": sources}))


def states(folder: Path) -> dict[str, SourceState]:
    return {state.name: state for state in tried(read_plan(folder), folder, SystemClock())}


def test_sources_without_a_file_are_this_machine(tmp_path: Path):
    plan = read_plan(tmp_path)
    assert ([(one.name, one.kind, one.prefix) for one in plan.sources], plan.problem) == (
        [("machine", "machine", "")], "",
    )  # fmt: skip


def test_sources_of_another_file_that_is_not_there_are_none_and_say_so(tmp_path: Path):
    plan = read_plan(tmp_path, str(tmp_path / "gone.json"))
    assert not plan.sources
    assert "gone.json is not there; write it or unset PULSE_DEVICE_SOURCES" in plan.problem


def test_sources_file_whose_name_is_not_utf8_is_named_in_a_sentence_that_can_be_stored(tmp_path: Path):
    assert r"caf\udce9.json is not there" in read_plan(tmp_path, str(tmp_path / "caf\udce9.json")).problem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"sources": [\n  {"kind": "machine"},\n]}', "line 3, column 1"),
        ("[]", 'it has to be {"sources": [...]} and nothing else'),
        ('{"sources": {}}', 'it has to be {"sources": [...]} and nothing else'),
        ('{"sources": [], "more": 1}', "and nothing else"),
        (json.dumps({"sources": [{"kind": "machine"}] * (MOST_SOURCES + 1)}), f"at most {MOST_SOURCES}"),
        ("[" * 100_000, "sources.json"),
        (f'{{"sources": [{"7" * 5_000}]}}', "digits"),
    ],
)
def test_sources_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, sentence: str):
    (tmp_path / FILE_NAME).write_text(text)
    plan = read_plan(tmp_path)
    assert not plan.sources
    assert sentence in plan.problem
    (state,) = tried(plan, tmp_path, SystemClock())
    assert (state.state, state.sentence) == ("failed", plan.problem)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (7, "source 2 is 7; give an object with name and kind"),
        ({}, "kind is None"),
        ({"kind": "machine", "prefx": "a"}, "'prefx' is unknown here"),
        ({"kind": "machine", "name": "a b"}, "name is 'a b'; use 1 to 40"),
        ({"kind": "machine", "prefix": "a b"}, "prefix is 'a b'; use at most 60"),
        ({"kind": "machine", "interval": 0.01}, "interval is 0.01; give seconds from 0.05 to 3600"),
        ({"kind": "machine", "interval": True}, "interval is True"),
        ({"kind": "nothing"}, "no kind of source is called 'nothing'; installed are: machine, simulator, csv, push"),
        ({"kind": "simulator", "options": {"sed": 1}}, "there is no option 'sed'; known are: seed"),
        ({"kind": "simulator", "options": {"seed": "1"}}, "the option 'seed' is '1'; give a whole number"),
        ({"kind": "push", "options": {"port": 0}}, "the option 'port' is 0; give a whole number from 1 to 65535"),
        ({"kind": "csv"}, "the option 'file' is missing"),
        ({"kind": "simulator", "name": "first"}, "another source is called 'first', too"),
    ],
)
def test_source_that_is_wrongly_configured_fails_alone_with_a_sentence(tmp_path: Path, entry: Any, sentence: str):
    write(tmp_path, [{"kind": "simulator", "name": "first"}, entry])
    first, second = states(tmp_path).values()
    assert (first.name, first.state, first.sentence) == ("first", "running", "")
    assert second.state == "failed"
    assert sentence in second.sentence


def test_sources_written_are_read_again_and_wrong_ones_are_not_written(tmp_path: Path):
    entries = [{"kind": "machine"}, {"name": "b", "kind": "simulator", "prefix": "b/", "interval": 0.5}]
    write_plan(tmp_path, entries)
    assert [(one.name, one.prefix, one.interval_s) for one in read_plan(tmp_path).sources] == [
        ("machine", "", None), ("b", "b/", 0.5),
    ]  # fmt: skip
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    with pytest.raises(SourceConfigError, match="source 2: another source is called 'machine', too"):
        write_plan(tmp_path, [{"kind": "machine"}, {"kind": "machine"}])
    assert len(read_plan(tmp_path).sources) == 2
    assert read_plan(tmp_path).sources[1].name == "b", "what was there before stays"


def test_source_metric_that_two_give_is_taken_from_the_first_and_the_other_says_so(tmp_path: Path):
    write(tmp_path, [{"name": "a", "kind": "simulator"}, {"name": "b", "kind": "simulator"}])
    found = states(tmp_path)
    assert found["a"].state == "running"
    assert found["b"].state == "impaired"
    assert "the source 'a' gives it already; give one of the two a prefix (and 7 more)" in found["b"].sentence
    write(tmp_path, [{"name": "a", "kind": "simulator"}, {"name": "b", "kind": "simulator", "prefix": "b/"}])
    assert {state.state for state in states(tmp_path).values()} == {"running"}


def test_source_options_have_types_and_bounds():
    known = {
        "rate": Option(float, "how fast", 1.0, least=0, most=9), "on": Option(bool, "whether", is_required=True),
    }  # fmt: skip
    assert checked_options(known, {"on": True, "rate": 2}) == {"rate": 2.0, "on": True}
    for given, sentence in [
        ({}, "the option 'on' is missing: whether"),
        ({"on": 1}, "give true or false"),
        ({"on": True, "rate": True}, "give a number"),
        ({"on": True, "rate": 10}, "give a number from 0 to 9"),
        ({"on": True, "rate": 10**400}, "give a number from 0 to 9"),
        ([], "options has to be an object"),
    ]:
        with pytest.raises(SourceConfigError, match=sentence):
            checked_options(known, given)


def test_plug_in_is_listed_without_being_imported_and_loaded_by_its_entry_point_item_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install_plug_ins(tmp_path)
    monkeypatch.delitem(sys.modules, "pulse_test_steady", raising=False)  # of another test
    monkeypatch.syspath_prepend(tmp_path)
    listed = {kind.name: kind for kind in installed_kinds()}
    assert set(BUILT_IN) < set(listed)
    assert (listed["steady"].package, listed["steady"].summary) == ("pulse-test-plug-ins", "")
    assert "pulse_test_steady" not in sys.modules
    assert load_kind("steady").name == "steady"
    with pytest.raises(SourceConfigError, match="the plug-in 'no_kind' of pulse-test-plug-ins is no SourceKind"):
        load_kind("no_kind")
    with pytest.raises(ZeroDivisionError):
        load_kind("bad_import")
