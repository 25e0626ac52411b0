"""Several sources at once, broken ones among them, against a real outbox."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Committed, Outbox
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.sources import sampler, simulator, states_file
from pulse_desktop.core.sources.group import SourceGroup, SourceState
from pulse_desktop.core.sources.plan import SourcePlan, read_plan, single
from pulse_desktop.core.sources.recorder import Recorder
from pulse_desktop.core.sources.states_file import StatesFile, read_states
from pulse_desktop.core.streams import new_stream
from support.plug_ins import MODULES, install_plug_ins
from support.processes import free_ports
from support.waiting import until

Start = Callable[[list[dict[str, Any]]], SourceGroup]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a group on an outbox; everything is ended with the test."""
    install_plug_ins(tmp_path / "plug-ins")
    monkeypatch.syspath_prepend(tmp_path / "plug-ins")
    recorder: list[Recorder] = []
    outbox = Outbox(
        tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings(),
        lambda note: recorder[0].committed(note.added) if isinstance(note, Committed) else None,
    )  # fmt: skip
    recorder.append(Recorder(outbox.append, outbox.flush, SystemClock()))
    outbox.start()
    groups: list[SourceGroup] = []

    def begin(entries: list[dict[str, Any]]) -> SourceGroup:
        (tmp_path / "sources.json").write_text(json.dumps({"sources": entries}))
        plan = read_plan(tmp_path)
        group = SourceGroup(
            plan, tmp_path, outbox.append, recorder[0], clock=SystemClock(), random=Random(1), interval_s=0.05
        )
        groups.append(group)
        group.start()
        return group

    yield begin
    for group in groups:
        group.stop()
    assert outbox.close()


def recorded(folder: Path, metric: str) -> list[Any]:
    db = sqlite3.connect(f"file:{folder / 'outbox.db'}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT metrics FROM telemetry_buffer ORDER BY position").fetchall()
    finally:
        db.close()
    values = (json.loads(row[0]) for row in rows)
    return [one[metric] for one in values if metric in one]


def state(group: SourceGroup, name: str) -> SourceState:
    return next(one for one in group.states() if one.name == name)


BROKEN = {
    "bad_import": ("failed", "division by zero"),
    "exits_import": ("failed", "SystemExit: enough"),
    "no_kind": ("failed", "the plug-in 'no_kind' of pulse-test-plug-ins is no SourceKind; update or remove it"),
    "bad_make": ("failed", "the sensor is not plugged in"),
    "bad_read": ("failed", "the sensor burns"),
    "not_utf8": ("failed", r"no file caf\udce9"),
    "metric_not_utf8": ("impaired", r"temp\udce9 is not recorded: a metric's name is 1 to 100 of A-Z a-z 0-9 . _ - /"),
    "exits": ("failed", "SystemExit: 3"),
    "hangs": ("failed", "it has not answered for 1 s"),
    "rubbish": ("impaired", "text is not recorded: neither an integer nor a decimal nor a boolean (and 6 more)"),
    "no_values": ("failed", "it gave str instead of values"),
    "bad_mapping": ("failed", "no values in here"),
    "function": ("failed", "it gave function instead of values"),
}


def test_every_way_to_be_broken_is_tried():
    assert set(BROKEN) == set(MODULES) - {"steady"}


def test_broken_plug_in_has_a_state_and_a_sentence_and_harms_no_other_item_5(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sampler.Sampler.__init__, "__kwdefaults__", {"patience_s": 1.0, "name": "source"})
    group = start([{"kind": "steady"}, *({"kind": kind} for kind in BROKEN), {"kind": "simulator", "prefix": "s/"}])
    for name, (word, sentence) in BROKEN.items():
        until(
            lambda name=name, word=word, sentence=sentence: (
                (state(group, name).state, state(group, name).sentence) == (word, sentence)
            ),
            within_s=20,
            what=f"{name} is {word}: {sentence} (it is {state(group, name)})",
        )
    before = len(recorded(tmp_path, "value")), len(recorded(tmp_path, "s/line/parts"))
    until(
        lambda: (
            len(recorded(tmp_path, "value")) >= before[0] + 10
            and len(recorded(tmp_path, "s/line/parts")) >= before[1] + 10
        ),
        within_s=20,
        what="the others go on",
    )
    assert group.is_running
    until(
        lambda: (
            {state(group, name).state for name in ("steady", "simulator")} == {"running"}
            and "steady" not in group.status
        ),
        within_s=20,
        what="the others are well",
    )
    assert set(recorded(tmp_path, "good")) == {5}, "what is good in rubbish is recorded"
    said = "the source bad_read has failed: the sensor burns"
    until(lambda: said in group.status, within_s=20, what="the status names it")
    assert group.status.endswith(
        "what has failed is tried again by itself; see Settings, Sources or `pulse-desktop sources`"
    )
    assert not group.are_failed, "the others record"
    group.status.encode()


def test_two_sources_record_under_their_prefixes_with_exact_values_item_5(start: Start, tmp_path: Path):
    group = start([{"name": "a", "kind": "simulator"}, {"name": "b", "kind": "simulator", "prefix": "b/"}])
    until(lambda: len(recorded(tmp_path, "b/line/parts")) >= 3, within_s=20, what="both are recorded")
    until(lambda: len(recorded(tmp_path, "line/parts")) >= 3, within_s=20, what="both are recorded")
    assert group.status == ""
    db = sqlite3.connect(f"file:{tmp_path / 'outbox.db'}?mode=ro", uri=True)
    rows = db.execute("SELECT stream, sequence_no, metrics FROM telemetry_buffer").fetchall()
    db.close()
    for stream, number, metrics in rows:
        wanted = simulator.values(1, stream, number)
        found = json.loads(metrics)
        assert found in (wanted, {f"b/{key}": value for key, value in wanted.items()})


def test_source_interval_of_its_own_stays_when_the_device_gets_another(start: Start, tmp_path: Path):
    group = start([{"name": "slow", "kind": "steady", "interval": 3600}, {"kind": "simulator"}])
    until(lambda: len(recorded(tmp_path, "line/parts")) >= 3, within_s=20, what="the simulator is sampled")
    group.set_interval(0.06)
    count = len(recorded(tmp_path, "line/parts"))
    until(lambda: len(recorded(tmp_path, "line/parts")) >= count + 5, within_s=20, what="it still is")
    assert len(recorded(tmp_path, "value")) == 1


def test_sources_that_are_starting_are_not_wrong(tmp_path: Path):
    nothing = Recorder(lambda _sample: False, lambda _within_s: False, SystemClock())
    (tmp_path / "sources.json").write_text(json.dumps({"sources": [{"kind": "machine"}, {"kind": "simulator"}]}))
    plan = read_plan(tmp_path)
    group = SourceGroup(
        plan, tmp_path, lambda _sample: True, nothing, clock=SystemClock(), random=Random(1), interval_s=1.0
    )
    assert {one.state for one in group.states()} == {"starting"}
    assert (group.status, group.are_failed) == ("", False)


def test_source_that_waits_for_a_full_disk_is_told_without_being_blamed(tmp_path: Path):
    nothing = Recorder(lambda _sample: False, lambda _within_s: False, SystemClock())
    group = SourceGroup(
        single("simulator"), tmp_path, lambda _sample: False, nothing,
        clock=SystemClock(), random=Random(1), interval_s=1.0,
    )  # fmt: skip
    group.take_once()
    assert group.status == "the source simulator is impaired: recording has stopped"
    assert not group.are_failed


def test_device_without_usable_sources_runs_on_and_says_why(tmp_path: Path):
    plan = SourcePlan((), "sources.json, line 1, column 1: no")
    nothing = Recorder(lambda _sample: False, lambda _within_s: False, SystemClock())
    group = SourceGroup(
        plan, tmp_path, lambda _sample: True, nothing, clock=SystemClock(), random=Random(1), interval_s=1.0
    )
    group.start()
    assert group.is_running, "the device is not started anew for it"
    assert group.status.startswith("the list of sources cannot be used: sources.json, line 1, column 1: no; see ")
    assert group.are_failed
    group.renew()
    group.set_interval(2.0)
    group.stop()


def test_push_is_recorded_under_its_prefix_and_refused_whole_when_a_value_is_bad(start: Start, tmp_path: Path):
    (port,) = free_ports(1)
    group = start([{"kind": "steady"}, {"kind": "push", "prefix": "p/", "options": {"port": port}}])
    until(lambda: str(port) in state(group, "push").sentence, within_s=20, what="the port is open")
    key = (tmp_path / "push-push.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}

    def push(metrics: dict[str, Any]) -> httpx.Response:
        return httpx.post(f"http://127.0.0.1:{port}/readings", json={"metrics": metrics}, headers=headers)

    assert push({"count": 2**63 - 1}).status_code == 201
    refused = push({"count": 1, "text": "x"})
    assert (refused.status_code, "p/text is not recorded" in refused.json()["error"]) == (422, True)
    assert push({}).json()["error"] == "there are no values"
    assert recorded(tmp_path, "p/count") == [2**63 - 1]
    assert recorded(tmp_path, "count") == []


def test_sources_file_changed_counts_when_they_are_renewed_and_a_malformed_one_does_not(start: Start, tmp_path: Path):
    (port,) = free_ports(1)
    push = {"kind": "push", "options": {"port": port}}
    group = start([{"kind": "steady"}, push])
    until(lambda: str(port) in state(group, "push").sentence, within_s=20, what="the port is open")
    file = tmp_path / "sources.json"
    file.write_text(json.dumps({"sources": [push, {"kind": "simulator", "prefix": "s/"}]}))
    group.renew()
    assert [one.name for one in group.states()] == ["push", "simulator"]
    until(lambda: recorded(tmp_path, "s/line/parts"), within_s=20, what="the new one is sampled")
    until(lambda: str(port) in state(group, "push").sentence, within_s=20, what="the port is open again")
    count = len(recorded(tmp_path, "value"))
    file.write_text("{")
    group.renew()
    assert [one.name for one in group.states()] == ["push", "simulator", "sources"]
    assert "sources.json, line 1, column 2" in state(group, "sources").sentence
    assert "the list of sources is not taken in: " in group.status
    assert "tried again" not in group.status
    assert not group.are_failed
    before = len(recorded(tmp_path, "s/line/parts"))
    until(lambda: len(recorded(tmp_path, "s/line/parts")) > before, within_s=20, what="those of before go on")
    file.write_text(json.dumps({"sources": [push]}))
    group.renew()
    assert [one.name for one in group.states()] == ["push"]
    assert len(recorded(tmp_path, "value")) == count, "what was taken out of the file is sampled no more"


def test_sources_renewed_after_the_stop_do_not_start_again(start: Start):
    group = start([{"kind": "steady"}])
    until(lambda: state(group, "steady").state == "running", within_s=20, what="it runs")
    group.stop()
    group.renew()
    assert not group.is_running


def test_sources_rest_when_the_sample_under_way_is_recorded(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Else a device whose readings are all archived would get one more, which nobody sends."""
    begun, may_end, read = threading.Event(), threading.Event(), simulator.Simulator.read

    def slow(source: simulator.Simulator) -> Any:
        begun.set()
        may_end.wait(20)
        return read(source)

    monkeypatch.setattr(simulator.Simulator, "read", slow)
    group = start([{"kind": "simulator", "prefix": "s/"}])
    assert begun.wait(20)
    assert not group.rest(0.05)
    group.go_on()
    threading.Timer(0.1, may_end.set).start()
    assert group.rest(20)
    count = group.skipped
    until(lambda: len(recorded(tmp_path, "s/line/parts")) == 2, within_s=20, what="both samples are recorded")
    assert (group.is_running, group.skipped) == (True, count)


def test_push_under_way_when_sources_come_to_rest_is_refused_and_not_recorded(start: Start, tmp_path: Path):
    (port,) = free_ports(1)
    group = start([{"kind": "push", "options": {"port": port}}])
    until(lambda: str(port) in state(group, "push").sentence, within_s=20, what="the port is open")
    key, body = (tmp_path / "push-push.key").read_text().strip(), b'{"metrics": {"count": 1}}'
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": len(body)}.items()]
    head = f"POST /readings HTTP/1.1\r\nHost: 127.0.0.1\r\n{''.join(lines)}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as under_way:
        under_way.sendall(head.encode() + body[:5])
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code >= 400, "what came first is being read"
        assert group.rest(20)
        under_way.sendall(body[5:])
        answer = under_way.recv(65_536)
    assert b" 503 " in answer.splitlines()[0]
    group.go_on()
    until(lambda: str(port) in state(group, "push").sentence, within_s=20, what="the port is open again")
    again = httpx.post(f"http://127.0.0.1:{port}/readings", content=body, headers=headers)
    assert (again.status_code, recorded(tmp_path, "count")) == (201, [1])


def test_states_of_a_kind_that_is_not_utf8_are_written(start: Start, tmp_path: Path):
    group = start([{"name": "odd", "kind": "caf\udce9"}])
    StatesFile(tmp_path).save(group.states())
    assert [one.kind for one in read_states(tmp_path)] == [r"caf\udce9"]


def test_states_that_cannot_be_written_are_said_once_and_stop_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "device"
    folder.write_text("no folder")  # whoever may write anywhere cannot write below a file either
    file = StatesFile(folder)
    for number in range(3):
        file.save([SourceState("a", "steady", "", "running", str(number))])
    file.save([SourceState("a", "steady", "", "running", "caf\udce9")])
    assert capsys.readouterr().out.count("source_states_not_saved") == 1
    assert read_states(folder) == []
    folder.unlink()
    folder.mkdir()
    wanted = [SourceState("a", "steady", "", "running", "again")]
    file.save(wanted)
    assert read_states(folder) == wanted
    (folder / states_file.FILE_NAME).write_text("{")
    assert read_states(folder) == []
