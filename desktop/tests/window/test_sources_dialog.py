"""The sources in the window: what is stored stands there, what is changed is stored as the file has it, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QWidget

from pulse_desktop.core.errors import ChangeError
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.sources.base import SourceConfigError
from pulse_desktop.core.sources.plan import FILE_NAME, read_entries, read_plan, write_plan
from pulse_desktop.core.sources.registry import InstalledKind
from pulse_desktop.session import SessionPlan
from pulse_desktop.ui.application import Running
from pulse_desktop.ui.log_tail import LogTail
from pulse_desktop.ui.windows.sources import SourceCard, SourcesDialog
from pulse_runtime.environment import Environment
from support.device_world import FakeArchive, World
from support.window_fakes import FakeBridge

CSV = {"name": "press", "kind": "csv", "prefix": "press/", "interval": 0.5,
       "options": {"file": "press.csv", "columns": {"Speed (1/min)": "speed_rpm"}, "loop": True}}  # fmt: skip


def dialog(qtbot, bridge: FakeBridge, *entries: dict, **more: str) -> SourcesDialog:
    made = SourcesDialog(bridge, entries, lambda: bridge.opened.append("sources saved"), **more)
    qtbot.addWidget(made)
    made.show()
    return made


def line(card: SourceCard, option: str) -> QLineEdit:
    field = card.options[option]
    assert isinstance(field, QLineEdit)
    return field


def test_sources_stand_as_they_are_stored_and_go_back_unchanged_item_4(qtbot, bridge: FakeBridge):
    entries = [{"kind": "machine"}, CSV, {"kind": "push", "options": {"port": 9471}}, {"kind": "boiler"}]
    made = dialog(qtbot, bridge, *entries)
    assert [card.kind.currentText() for card in made.cards] == ["machine", "csv", "push", "boiler"]
    assert line(made.cards[1], "file").text() == "press.csv"
    loop = made.cards[1].options["loop"]
    assert isinstance(loop, QCheckBox)
    assert loop.isChecked()
    made.submit()
    assert bridge.operation.calls == [("set_sources", entries)]
    assert bridge.opened == ["sources saved"]


def test_source_of_a_plug_in_with_markup_in_its_names_is_shown_letter_by_letter_item_5(qtbot):
    package = "<b>boiler</b> <img src='http://127.0.0.1:9/seen'>"
    card = SourceCard([InstalledKind("<i>boiler</i>", package, "")], {"kind": "<i>boiler</i>"})
    qtbot.addWidget(card)
    assert card.about.text() == f"plug-in of {package}"
    assert card.kind.currentText() == "<i>boiler</i>"
    shown = card.findChildren(QLabel)
    assert {one.textFormat() for one in shown if "<" in one.text()} == {Qt.TextFormat.PlainText}
    assert all("<" not in one.toolTip() for one in card.findChildren(QWidget))


def test_source_is_added_changed_and_removed_item_4(qtbot, bridge: FakeBridge):
    made = dialog(qtbot, bridge, {"kind": "machine"})
    made.more.click()
    card = made.cards[1]
    card.kind.setCurrentText("simulator")
    card.name.setText("trial")
    card.interval.setText("0.25")
    line(card, "seed").setText("9223372036854775807")
    made.cards[0].remove.click()
    made.submit()
    seed = {"seed": 9223372036854775807}
    assert bridge.operation.calls == [
        ("set_sources", [{"kind": "simulator", "name": "trial", "interval": 0.25, "options": seed}])
    ]


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [("interval", "often", "give a number"), ("columns", "[1]", "no JSON object"), ("columns", "{", "no JSON object")],
)
def test_source_with_a_field_that_is_wrong_says_so_and_stores_nothing_item_4(qtbot, bridge, field, text, said):
    made = dialog(qtbot, bridge, CSV)
    card = made.cards[0]
    (card.interval if field == "interval" else line(card, field)).setText(text)
    made.submit()
    assert said in made.error.text()
    assert made.error.text().startswith("Press: ")
    assert bridge.operation.calls == []
    assert made.isVisible()


def test_sources_refused_by_the_core_say_why_and_stay_item_4(qtbot, bridge: FakeBridge):
    bridge.operation.refusal = ChangeError("source 1: the option 'file' is missing")
    made = dialog(qtbot, bridge, {"kind": "csv"})
    made.submit()
    assert made.error.text() == "Source 1: the option 'file' is missing."
    assert made.isVisible()
    assert bridge.opened == []


def test_sources_fixed_elsewhere_are_shown_and_not_offered_item_4(qtbot, bridge: FakeBridge):
    made = dialog(qtbot, bridge, {"kind": "machine"}, fixed="PULSE_DEVICE_SOURCES")
    assert "PULSE_DEVICE_SOURCES says" in made.words.text()
    assert not any(each.isEnabled() for each in (made.do, made.more, made.cards[0]))


def test_entries_that_cannot_be_used_are_said_and_replaced_when_saved_item_4(qtbot, bridge, tmp_path: Path):
    (tmp_path / FILE_NAME).write_text('{"sources": 7}')
    with pytest.raises(SourceConfigError, match="cannot be used") as refused:
        read_entries(tmp_path)
    made = dialog(qtbot, bridge, {"kind": "machine"}, problem=str(refused.value))
    assert "Saving replaces it." in made.words.text()
    made.submit()
    ((_, entries),) = bridge.operation.calls
    write_plan(tmp_path, entries)
    assert [one.kind for one in read_plan(tmp_path).sources] == ["machine"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (7, "Source 2: source 2 is 7"),
        ({"kind": "csv", "prefx": "a"}, "Source 2: 'prefx' is unknown here"),
        ({"kind": "simulator", "options": {"sed": 1}}, "Source 2: there is no option 'sed'"),
        ({"kind": "boiler", "options": ["hot"]}, "Source 2: options has to be an object"),
    ],
)
def test_entry_that_is_not_understood_is_said_before_saving_leaves_it_out_item_4(
    qtbot, bridge: FakeBridge, tmp_path: Path, entry: object, said: str
):
    (tmp_path / FILE_NAME).write_text(json.dumps({"sources": [{"kind": "machine"}, entry]}))
    made = dialog(qtbot, bridge, *read_entries(tmp_path))
    assert said.casefold() in made.words.text().casefold()
    assert made.words.text().endswith("Saving replaces it.")
    assert made.cards[0].kind.currentText() == "machine"


def test_sources_saved_count_at_once_without_a_restart_item_4(
    world: World, archive: FakeArchive, qtbot, kept: QSettings
):
    world.enroll("sourced")
    folder = world.home / "devices" / "sourced"
    write_plan(folder, [{"kind": "simulator"}])
    environment = Environment(world.variables)
    plan = SessionPlan(environment, DeviceFolder("sourced", folder), "0.1", read_plan(folder))
    running = Running(plan, LogTail(), kept)
    try:
        running.window.show()
        qtbot.waitUntil(lambda: "line/parts" in running.window.now.latest, timeout=15_000)
        made = SourcesDialog(running.bridge, read_entries(folder), running._sources_saved, running.window)
        made.cards[0].prefix.setText("trial/")
        running.bridge.operation.set_sources = lambda entries: write_plan(folder, entries)  # nobody is signed in here
        made.submit()
        qtbot.waitUntil(lambda: "trial/line/parts" in running.window.now.latest, timeout=15_000)
        assert json.loads((folder / FILE_NAME).read_text())["sources"] == [{"kind": "simulator", "prefix": "trial/"}]
    finally:
        running.close()
