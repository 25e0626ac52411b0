"""What is wrong outside, on a real device without a screen: it says what is wrong and what to do, and records on."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.device_world import FakeArchive, World
from support.processes import program
from support.running_device import RunningDevice
from support.waiting import until

Spoil = Callable[[RunningDevice], None]


@pytest.fixture
def device(world: World, request: pytest.FixtureRequest) -> Iterator[RunningDevice]:
    made = RunningDevice(world, f"bad{abs(hash(request.node.name)) % 10**9}")
    yield made
    if made.program.running:
        made.program.stop()


def change_identity(device: RunningDevice, **fields: Any) -> None:
    file = device.folder / "identity.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def is_told(device: RunningDevice, link: str, detail: str, advice: str) -> bool:
    """Tell whether `pulse-desktop status` says this."""
    with contextlib.suppress(subprocess.CalledProcessError, KeyError):
        status = device.status()
        return status["link"] == link and detail in status["link_detail"] and advice in status["advice"]
    return False


def refuse(device: RunningDevice) -> None:
    device.world.api.refusal = (403, {"type": "urn:x:device-revoked", "detail": "This device was revoked."})


WRONG: dict[str, tuple[Spoil, str, str, str]] = {
    "wrong_broker_address": (
        lambda device: change_identity(device, broker_url="mqtts://127.0.0.1:1"),
        "no broker", "127.0.0.1:1", "check that the server runs and that its address is right",
    ),
    "broker_in_clear_text_elsewhere": (
        lambda device: change_identity(device, broker_url="mqtt://example.test"),
        "refused here", "clear text may not leave this machine; use mqtts://example.test", "check the address",
    ),
    "unreachable_api": (
        lambda device: change_identity(device, api_url="http://127.0.0.1:1"),
        "no broker", "the API at http://127.0.0.1:1 does not answer", "check that the server runs",
    ),
    "refused_token": (refuse, "refused", "This device was revoked.", "`pulse-desktop enroll --again` with a new code"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_bad_link_says_what_is_wrong_and_what_to_do_and_recording_goes_on(
    world: World, device: RunningDevice, what: str
):
    spoil, link, detail, advice = WRONG[what]
    spoil(device)
    try:
        device.program.start()
        until(lambda: is_told(device, link, detail, advice), within_s=15, what=f"{what} is told")
        held = device.buffered()
        until(lambda: device.buffered() > held + 5, within_s=15, what="it records on")
    finally:
        world.api.refusal = None


def refused(world: World, *words: str, before: Sequence[str] = (), **variables: str) -> str:
    """Run the program in vain, its command after *before*; return its one sentence."""
    environment = {**os.environ, **world.variables, **variables}
    command = [*before, program("pulse-desktop"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    sentence = done.stderr.splitlines()[-1]
    assert (done.returncode, sentence[:15]) == (2, "pulse-desktop: "), done.stderr
    return sentence


def test_bad_setting_of_the_command_line_or_environment_names_its_bounds(world: World, device: RunningDevice):
    words = ("--headless", "--client-id", device.client_id)
    sentence = refused(world, *words, "--interval", "0")
    assert "sampling_interval is '0'; give a number from 0.05 to 3600" in sentence
    assert "sampling_interval is 'x'" in refused(world, *words, PULSE_DEVICE_INTERVAL="x")
    clear = refused(world, *words, PULSE_DEVICE_BROKER_URL="mqtt://example.test")
    assert "clear text may not leave this machine; use mqtts://example.test" in clear
    assert "give mqtts://host" in refused(world, *words, PULSE_DEVICE_BROKER_URL="example.test")


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b""])
def test_damaged_database_is_set_aside_said_and_telemetry_goes_on(
    world: World, device: RunningDevice, archive: FakeArchive, content: bytes
):
    (device.folder / "outbox.db").write_bytes(content)
    (device.folder / "identity.db").write_bytes(content)
    device.program.start()
    until(device.streams, within_s=20, what="it records")
    until(
        lambda: sum(len(archive.numbers(stream)) for stream in device.streams()) >= 10,
        within_s=20,
        what="what it records is archived",
    )
    if content:
        assert list(device.folder.glob("outbox-damaged-*.db")), "the damaged file is kept"
        assert "damaged" in device.program.log.read_text()
        until(lambda: "damaged" in device.status()["problem"], within_s=10, what="status says it")


def read_only(folder: Path) -> list[str] | None:
    """Return what to put before a command so that *folder* is a read-only disk for it; ``None``: nobody may do that."""
    script = 'mount -t tmpfs -o ro pulse-read-only "$0" && exec "$@"'
    for apart in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        words = [*apart, "sh", "-c", script, str(folder)]
        if subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0:
            return words
    return None


def test_read_only_disk_at_the_start_says_what_to_do(world: World, tmp_path: Path):
    before = read_only(tmp_path)
    assert before is not None, "nothing is tested without the right to mount: run it as root, or allow user namespaces"
    home = str(tmp_path / "home")
    sentence = refused(world, "--headless", "--client-id", "x", before=before, PULSE_HOME=home)
    assert "cannot be written to: Read-only file system; make it writable for this user, or give another" in sentence
