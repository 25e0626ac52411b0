"""
The packed desktop program: it runs where there is no Python, without a screen and with one, against a real system.

Packing takes most of the time; ``PULSE_PACKED=desktop/dist/pulse-desktop/pulse-desktop`` tests what is packed already.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulse_desktop.ui.snapshot import Lamp
from support.accounts import integrity, psql, repeated_values
from support.desktops import Desktop
from support.processes import ROOT, Program, free_ports, program
from support.shown_lamps import shown_lamps
from support.stack import Stack, running_stack
from support.waiting import until
from support.x_windows import hidden_screen, shown_picture, shown_titles

pytestmark = pytest.mark.timeout(600)
SPEC = "pulse-desktop.spec"
LINUX = ROOT / "desktop" / "packaging" / "linux"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pack it as ``make desktop-package`` does, move it elsewhere, and return the program; or the one that is given."""
    if given := os.environ.get("PULSE_PACKED"):
        return Path(given).absolute()
    made, elsewhere = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("elsewhere")
    places = ["--distpath", str(made), "--workpath", str(made / ".build")]
    command = [program("pyinstaller"), "--noconfirm", "--log-level", "ERROR", *places, str(LINUX.parent / SPEC)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    shutil.move(made / "pulse-desktop", elsewhere)
    return elsewhere / "pulse-desktop" / "pulse-desktop"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api", "ingest") as made:
        yield made


def bare(stack: Stack | None = None, **more: str) -> dict[str, str]:
    """Return the whole environment of a run: no Python, no tools, nothing of this shell."""
    variables = {"PATH": "/nonexistent", **more}
    if stack is None:
        return variables
    return {**variables, "PULSE_HOME": str(stack.home / "packed"), "HOME": str(stack.home)}


def run(packed: Path, variables: dict[str, str], *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(packed), *words], env=variables, cwd="/", input=text, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def enroll(packed: Path, stack: Stack, client_id: str, *options: str, api: str = "") -> None:
    code = stack.admin.post("/devices/enrollment-codes", json={"client_id": client_id}).json()["code"]
    words = ["enroll", "--client-id", client_id, "--api", api or stack.address, "--code-file", "-"]
    done = run(packed, bare(stack), *words, *options, text=code)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def running(packed: Path, stack: Stack, client_id: str, *options: str, **more: str) -> Iterator[Program]:
    """Run the packed program for *client_id* and end it."""
    log = stack.home / "logs" / f"{client_id}.log"
    made = Program(client_id, [str(packed), "--client-id", client_id, *options], {}, log)
    with log.open("ab") as out:
        made.process = subprocess.Popen(
            made.command, env=bare(stack, **more), cwd="/", stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield made
        assert made.stop() == 0
    finally:
        print(made.tail())
        if made.running:
            made.kill9()


def status(packed: Path, stack: Stack, client_id: str) -> dict[str, Any]:
    return json.loads(run(packed, bare(stack), "status", "--json", "--client-id", client_id).stdout)


def states(packed: Path, stack: Stack) -> list[str]:
    figures = status(packed, stack, "packed")
    assert (figures["running"], figures["keys"]) == (True, "file")
    return [one["state"] for one in figures["sources"]]


def archived(stack: Stack, client_id: str) -> int:
    return int(integrity(stack, client_id)["archived"])


def stored(stack: Stack, client_id: str) -> int:
    """Count the readings that stand in the archive itself."""
    query = "SELECT count(DISTINCT (stream, sequence_no)) FROM telemetry_data WHERE client_id = $1"
    return int(psql(stack, query, client_id))


def test_package_starts_without_python_item_8(packed: Path, tmp_path: Path):
    done = run(packed, bare(), "--version")
    assert (done.returncode, done.stdout) == (0, f"pulse-desktop {version('pulse-desktop')}\n"), done.stderr
    link = tmp_path / "linked"
    link.symlink_to(packed)
    assert run(link, bare(), "--version").returncode == 0, "a link in a folder of programs is how people start it"


def test_package_enrolls_and_delivers_headless_with_sources_and_status_item_8(packed: Path, stack: Stack):
    enroll(packed, stack, "packed")
    (port,) = free_ports(1)
    folder = stack.home / "packed" / "devices" / "packed"
    entries = [
        {"kind": "machine"},
        {"kind": "simulator", "prefix": "s/"},
        {"kind": "push", "prefix": "p/", "options": {"port": port}},
    ]
    (folder / "sources.json").write_text(json.dumps({"sources": entries}))
    with running(packed, stack, "packed", "--headless", "--interval", "0.2"):
        until(lambda: archived(stack, "packed") >= 20, within_s=60, what="readings are archived")
        key = (folder / "push-push.key").read_text().strip()
        answer = httpx.post(
            f"http://127.0.0.1:{port}/readings",
            json={"metrics": {"count": 2**63 - 1}},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 201, answer.text
        until(lambda: states(packed, stack) == ["running"] * 3, within_s=20, what="status knows that all sources run")
        again = run(packed, bare(stack), "--headless", "--client-id", "packed")
        assert (again.returncode, "is already running" in again.stderr) == (2, True)
    account = integrity(stack, "packed")
    assert account["rejected"] == account["declared_lost"] == 0


def test_package_told_to_use_a_keyring_says_that_there_is_none_item_8(packed: Path, tmp_path: Path):
    variables = {**bare(), "PULSE_HOME": str(tmp_path), "HOME": str(tmp_path), "PULSE_DEVICE_KEYS": "keyring"}
    done = run(packed, variables, "enroll", "--api", "https://127.0.0.1:1", "--code-file", "-", text="X")
    assert done.returncode == 2
    assert done.stderr.startswith("pulse-desktop: PULSE_DEVICE_KEYS is keyring, but there is no usable keyring")


@pytest.fixture
def screen() -> Iterator[str]:
    """A screen that nobody sees; the value of DISPLAY."""
    with hidden_screen() as made:
        yield made


def test_package_opens_its_window_and_delivers_item_9(packed: Path, stack: Stack, screen: str):
    enroll(packed, stack, "packed-window")
    with running(packed, stack, "packed-window", "--interval", "0.2", DISPLAY=screen):
        until(
            lambda: any("packed-window" in title for title in shown_titles(screen)),
            within_s=60,
            what="the screen shows the window",
        )
        until(
            lambda: archived(stack, "packed-window") >= 10,
            within_s=60,
            what="readings are archived",
        )


@pytest.fixture
def wired(stack: Stack) -> Iterator[Desktop]:
    """The cable of the device ``packed-cable``, which only the packed program runs."""
    made = Desktop(stack, "packed-cable")
    yield made
    made.close()


def shows_cut(screen: str) -> bool:
    lamps = shown_lamps(screen)
    return Lamp.DISCONNECTED in lamps and Lamp.ONLINE not in lamps


def test_package_shows_that_its_cable_is_pulled_and_delivers_all_when_it_is_back_item_9(
    packed: Path, stack: Stack, screen: str, wired: Desktop, tmp_path: Path
):
    one = wired.client_id
    enroll(packed, stack, one, "--broker", f"mqtts://127.0.0.1:{wired.cables[0].port}", api=wired.api)
    with running(packed, stack, one, "--interval", "0.2", DISPLAY=screen):
        until(lambda: Lamp.ONLINE in shown_lamps(screen), within_s=60, what="the window shows that it is online")
        until(lambda: archived(stack, one) >= 10, within_s=60, what="readings are archived")
        wired.cut()
        until(lambda: shows_cut(screen), within_s=60, what="the window shows the cut")
        until(lambda: status(packed, stack, one)["pending"] >= 10, within_s=60, what="readings are held")
        figures = status(packed, stack, one)
        shown_picture(screen).save(str(tmp_path / "cable-pulled.png"))
        made = figures["newest_streams"][-1]["last_sequence_no"]
        assert (figures["state"], archived(stack, one) < made) == ("DISCONNECTED", True)
        assert shows_cut(screen)
        wired.mend()
        until(lambda: archived(stack, one) >= made, within_s=60, what="what was held is archived")
        until(lambda: Lamp.ONLINE in shown_lamps(screen), within_s=60, what="the window shows that it is back")
    assert "Traceback" not in (stack.home / "logs" / f"{one}.log").read_text()
    until(lambda: integrity(stack, one)["missing"] == 0, within_s=30, what="nothing is missing")
    until(lambda: stored(stack, one) == archived(stack, one), within_s=30, what="the archive holds what is told of it")
    account = integrity(stack, one)
    assert account["rejected"] == account["declared_lost"] == repeated_values(stack) == 0


def test_systemd_unit_is_accepted_and_hardened_item_8(tmp_path: Path, packed: Path):
    shipped = packed.parent / "_internal" / "linux"
    assert {file.name for file in shipped.iterdir()} == {file.name for file in LINUX.iterdir()}
    unit = tmp_path / "pulse-desktop.service"
    text = (shipped / unit.name).read_text().replace("/opt/pulse-desktop/pulse-desktop", str(packed))
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]
