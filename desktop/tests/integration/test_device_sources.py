"""A real device with several sources, some of them broken, up to the archive."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulse_desktop.core.sources import simulator
from support.device_world import FakeArchive, World
from support.plug_ins import install_plug_ins
from support.processes import Program, free_ports
from support.waiting import until

Run = Callable[..., Program]


@pytest.fixture
def plug_ins(tmp_path: Path) -> dict[str, str]:
    install_plug_ins(tmp_path / "plug-ins")
    return {"PYTHONPATH": str(tmp_path / "plug-ins")}


@pytest.fixture
def run(world: World, plug_ins: dict[str, str]) -> Iterator[Run]:
    """Enroll a device with these sources, start it, end it with the test."""
    started: list[Program] = []

    def start(client_id: str, text: str) -> Program:
        (world.enroll(client_id) / "sources.json").write_text(text)
        started.append(world.device(client_id, "--interval", "0.1", variables=plug_ins).start())
        return started[-1]

    yield start
    for one in started:
        if one.running:
            one.stop()


def ask(program: Program, *words: str) -> Any:
    """Do a command for the device of *program*; return its JSON."""
    command = [program.command[0], *words, "--json", "--client-id", program.name]
    done = subprocess.run(command, env={**os.environ, **program.variables}, capture_output=True, check=False)
    return json.loads(done.stdout)


def states(program: Program) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["state"], one["sentence"]) for one in ask(program, "sources")["sources"]}


def test_sources_broken_ones_among_them_deliver_and_are_named_in_status_item_5(
    world: World, archive: FakeArchive, run: Run
):
    (world.home / "rows.csv").write_text("speed,running\n9223372036854775807,true\nbroken,true\n7,false\n")
    kinds = ["bad_import", "exits_import", "bad_read", "rubbish"]
    entries = [
        *({"kind": kind} for kind in kinds),
        {"kind": "simulator", "prefix": "s/"},
        {"name": "rows", "kind": "csv", "prefix": "rows/", "options": {"file": str(world.home / "rows.csv")}},
    ]
    device = run("many", json.dumps({"sources": entries}))
    until(lambda: numbered(archive, "s/line/parts"), within_s=20, what="the simulator is archived")
    until(lambda: numbered(archive, "rows/speed") == [2**63 - 1, 7], within_s=20, what="the file is archived, exactly")
    wanted = {
        "bad_import": ("failed", "division by zero"),
        "exits_import": ("failed", "SystemExit: enough"),
        "bad_read": ("failed", "the sensor burns"),
        "rubbish": (
            "impaired", "text is not recorded: neither an integer nor a decimal nor a boolean (and 6 more)",
        ),
        "simulator": ("running", ""),
        "rows": (
            "running",
            "rows.csv: at its end; 1 left out: line 3: speed is 'broken'; the column holds a whole number elsewhere",
        ),
    }  # fmt: skip
    until(lambda: states(device) == wanted, within_s=20, what="the states are known")
    status = ask(device, "status")
    assert [one["name"] for one in status["sources"]] == [*kinds, "simulator", "rows"]
    assert "the source bad_import has failed: division by zero" in status["source"]
    for (stream, number), metrics in list(archive.kept.items()):
        if "s/line/parts" in metrics:
            assert metrics == {f"s/{key}": value for key, value in simulator.values(1, stream, number).items()}
    assert device.stop() == 0
    assert states(device)["simulator"][0] == "stopped"


def numbered(archive: FakeArchive, metric: str) -> list[Any]:
    kept = sorted(archive.kept.items())
    return [metrics[metric] for _, metrics in kept if metric in metrics]


def test_pushed_readings_that_were_answered_survive_kill_9(world: World, archive: FakeArchive, run: Run):
    (port,) = free_ports(1)
    entries = [{"kind": "push", "prefix": "p/", "options": {"port": port}}]
    device = run("pushed", json.dumps({"sources": entries}))
    key_file = world.home / "devices" / "pushed" / "push-push.key"
    until(lambda: key_file.exists() and reachable(port), within_s=15, what="the port is open")
    headers = {"Authorization": f"Bearer {key_file.read_text().strip()}"}
    answered: dict[tuple[str, int], dict[str, Any]] = {}
    for number in range(30):
        metrics = {"count": 2**63 - 1 - number, "temp": number / 3, "ok": number % 2 == 0}
        answer = httpx.post(f"http://127.0.0.1:{port}/readings", json={"metrics": metrics}, headers=headers)
        assert answer.status_code == 201, answer.text
        place = (answer.json()["stream"], answer.json()["sequence_no"])
        answered[place] = {f"p/{name}": value for name, value in metrics.items()}
    device.kill9()
    device.start()
    until(lambda: set(answered) <= set(archive.kept), within_s=20, what="every answered reading is archived")
    assert {place: archive.kept[place] for place in answered} == answered


def reachable(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readings").status_code == 401
    except httpx.TransportError:
        return False


def test_device_whose_sources_file_is_malformed_says_where_and_delivers_what_it_holds(
    world: World, archive: FakeArchive, run: Run
):
    folder = world.enroll("malformed")
    fill = ["backfill", "--client-id", "malformed", "--source", "simulator", "--hours", "0.1", "--every", "30"]
    command = [world.device("malformed").command[0], *fill]
    subprocess.run(command, env={**os.environ, **world.variables}, check=True, capture_output=True)
    (folder / "sources.json").write_text('{"sources": [\n{"kind": "machine"\n]}')
    device = world.device("malformed").start()
    try:
        until(lambda: len(numbered(archive, "line/parts")) == 12, within_s=20, what="what is held is archived")
        sentence = f"{folder / 'sources.json'}, line 3, column 1: Expecting ',' delimiter"
        until(lambda: states(device) == {"sources": ("failed", sentence)}, within_s=10, what="it says why")
        until(lambda: sentence in ask(device, "status")["source"], within_s=10, what="so does status")
    finally:
        assert device.stop() == 0
    assert (ask(device, "sources")["sources"][0]["sentence"]) == sentence


def test_sources_check_reads_each_once_and_its_exit_code_tells(world: World, plug_ins: dict[str, str]):
    folder = world.enroll("checked")
    command = [world.device("checked").command[0], "sources", "--check", "--client-id", "checked"]
    variables = {**os.environ, **world.variables, **plug_ins}

    def check(*sources: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        (folder / "sources.json").write_text(json.dumps({"sources": sources}))
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=30)

    done = check({"kind": "steady"}, {"kind": "machine"})
    assert (done.returncode, done.stdout.count("running")) == (0, 2)
    done = check({"kind": "steady"}, {"kind": "bad_make"})
    assert done.returncode == 1
    assert "the sensor is not plugged in" in done.stdout
