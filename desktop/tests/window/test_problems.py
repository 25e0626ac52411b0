"""What is wrong with a device is told with what to do, until its cause is gone."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QSettings

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.connection import State
from pulse_desktop.core.errors import Link
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.outbox.room import full_notice
from pulse_desktop.core.outbox.state import OutboxState, StreamState
from pulse_desktop.core.publisher import link_error
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.sources.group import SourceGroup
from pulse_desktop.core.sources.plan import read_plan
from pulse_desktop.core.sources.recorder import Recorder
from pulse_desktop.session import SessionPlan
from pulse_desktop.ui.application import Running
from pulse_desktop.ui.log_tail import LogTail
from pulse_desktop.ui.snapshot import Lamp
from pulse_desktop.ui.watching import Watch
from pulse_desktop.ui.widgets.banners import level_of
from pulse_desktop.ui.words import explained, explanations
from pulse_runtime.environment import Environment
from support.device_world import FakeArchive, World
from support.watched_session import FakeSession


def of_outbox(**fields: Any) -> dict[str, Any]:
    stream = StreamState(1, "s1", last_no=10, quarantined=fields.pop("quarantined", 0))
    return {"outbox": OutboxState(stream, (stream,), **fields)}


def of_sources(folder: Path, *entries: dict[str, Any]) -> dict[str, Any]:
    """Return what a report says of these sources after one sample of each."""
    (folder / "sources.json").write_text(json.dumps({"sources": entries}))
    nothing = Recorder(lambda _sample: False, lambda _within_s: False, SystemClock())
    clock, random = SystemClock(), Random(1)
    plan = read_plan(folder)
    made = SourceGroup(plan, folder, lambda _: True, nothing, clock=clock, random=random, interval_s=1.0)
    made.take_once()
    return {"source_status": made.status, "are_sources_failed": made.are_failed}


def of_link(link: Link, detail: str) -> dict[str, Any]:
    return {"link": link, "link_detail": detail, "state": State.DISCONNECTED}


def of_certificate(_folder: Path) -> dict[str, Any]:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "unable to get local issuer certificate"
    found = link_error(error, "the API at https://p.example")
    return of_link(found.link, found.detail)


GONE = {"kind": "csv", "options": {"file": "/none/gone.csv"}}
REVOKED = "the API gives no token: This device was revoked; enroll it again with a code made for its id."
CAUSES: dict[str, tuple[str, Callable[[Path], dict[str, Any]], tuple[str, ...]]] = {
    "disk full": (
        "recording", lambda _: of_outbox(problem="nothing can be recorded: the disk is full"),
        ("nothing can be recorded: the disk is full", "when that is put right, recording goes on by itself"),
    ),
    "only source failed": (
        "recording", lambda folder: of_sources(folder, GONE),
        ("nothing is being recorded: the source csv has failed: /none/gone.csv cannot be read", "tried again by itself",
         "see Settings, Sources"),
    ),
    "list of sources malformed": (
        "recording", lambda folder: of_sources(folder, {"kind": 7}),
        ("nothing is being recorded: the list of sources cannot be used", "see Settings, Sources"),
    ),
    "buffer filling": (
        "notice", lambda _: of_outbox(notice=full_notice(90, DeviceSettings(buffer_limit=100))),
        ("the buffer is filling (90 of 100 readings)", "given up"),
    ),
    "one source of two failed": (
        "source", lambda folder: of_sources(folder, {"kind": "simulator"}, GONE),
        ("the source csv has failed: /none/gone.csv cannot be read", "tried again by itself", "see Settings, Sources"),
    ),
    "archive away": ("archive", lambda _: {"state": State.AWAY}, ("nobody archives them", "they wait here")),
    "revoked": (
        "refused", lambda _: of_link(Link.REFUSED, REVOKED),
        ("the server refuses this device: the API gives no token: This device was revoked", "ask an administrator",
         "new one-time code", "`pulse-desktop enroll --again`"),
    ),
    "untrusted certificate": (
        "refused", of_certificate,
        ("not connected: the certificate of the API at https://p.example is not trusted", "check the address",
         "`pulse-desktop enroll --again`"),
    ),
    "id in use": (
        "taken", lambda _: of_link(Link.TAKEN_OVER, "the connection was lost: Unspecified error"),
        ("another device uses the id of this one: the connection was lost", "stop the other one"),
    ),
    "rejected": (
        "rejected", lambda _: of_outbox(quarantined=12), ("has rejected 12 readings", "see the waiting rows"),
    ),
    "part ended": (
        "ended", lambda _: {"ended": ("sync",)}, ("a part has ended by itself (sync)", "the device is started anew"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CAUSES)
def test_cause_is_told_with_what_to_do_until_it_is_gone_item_2(
    watch: Watch, session: FakeSession, tmp_path: Path, what: str
):
    key, made, words = CAUSES[what]
    watch.look()
    assert watch.look().problems == {}
    session.is_other = made(tmp_path)
    shown = watch.look().problems
    assert list(shown) == [key]
    for part in words:
        assert part in shown[key]
    session.is_other = {}
    assert watch.look().problems == {}


def test_full_disk_is_told_beside_sources_that_failed_item_2(watch: Watch, session: FakeSession, tmp_path: Path):
    watch.look()
    session.is_other = of_sources(tmp_path, GONE) | of_outbox(problem="nothing can be recorded: the disk is full")
    shown = watch.look().problems
    assert "the disk is full" in shown["recording"]
    assert "the source csv has failed" in shown["source"]


def test_state_of_a_device_that_records_nothing_does_not_say_that_readings_go_out_item_2(
    watch: Watch, session: FakeSession, tmp_path: Path
):
    watch.look()
    assert explained(watch.look()) == "Readings go out as they are taken."
    session.is_other = of_sources(tmp_path, GONE)
    shown = watch.look()
    assert (shown.lamp, explained(shown)) == (Lamp.ONLINE, "Connected. Nothing is being recorded.")
    assert level_of("recording") == "error"
    session.is_other |= {"state": State.SYNCING}
    assert explained(watch.look()).endswith("is sent first. Nothing is being recorded.")
    session.is_other |= of_link(Link.NO_NETWORK, "")
    assert explained(watch.look()).endswith("Nothing is being recorded.")
    session.is_other |= of_sources(tmp_path, GONE, {"kind": "simulator"})
    assert explained(watch.look()).endswith("Readings wait on disk.")


def test_what_this_machine_refuses_is_not_said_to_be_refused_by_the_server_item_2(watch: Watch, session: FakeSession):
    watch.look()
    session.is_other = of_certificate(session.folder.path)
    shown = watch.look()
    assert "the server" not in shown.problems["refused"].split(";")[0]
    assert explanations(shown)[0].startswith("Refused here: this machine does not accept")
    session.is_other = of_link(Link.REFUSED, REVOKED)
    assert explanations(watch.look())[0].startswith("Refused: the server does not let this device in.")


def running(world: World, kept: QSettings, client_id: str) -> Running:
    folder = DeviceFolder(client_id, world.home / "devices" / client_id)
    made = Running(SessionPlan(Environment(world.variables), folder, "0.1", read_plan(folder.path)), LogTail(), kept)
    made.window.show()
    return made


def test_window_tells_of_its_only_source_that_breaks_until_it_gives_values_again_item_2(
    world: World, archive: FakeArchive, qtbot, kept: QSettings
):
    folder = world.enroll("broken")
    file = folder / "press.csv"
    file.write_text("speed\n1\n2\n")
    entry = {"name": "press", "kind": "csv", "options": {"file": str(file), "loop": True}}
    (folder / "sources.json").write_text(json.dumps({"sources": [entry]}))
    made = running(world, kept, "broken")
    window = made.window
    try:
        qtbot.waitUntil(lambda: window.now.lamp is Lamp.ONLINE and "speed" in window.now.latest, timeout=15_000)
        assert window.banners.texts == {}
        file.unlink()
        qtbot.waitUntil(lambda: "recording" in window.banners.texts, timeout=15_000)
        said = window.banners.texts["recording"]
        assert said.startswith(f"Nothing is being recorded: the source press has failed: {file} cannot be read")
        assert "see Settings, Sources" in said
        assert window.now.lamp is Lamp.ONLINE, "the lamp is of the link"
        assert window.state.meaning.text() == "Connected. Nothing is being recorded."
        file.write_text("speed\n3\n")
        qtbot.waitUntil(lambda: window.banners.texts == {}, timeout=30_000)
    finally:
        made.close()


def test_window_of_a_revoked_device_says_how_it_gets_in_again_item_2(
    world: World, archive: FakeArchive, qtbot, kept: QSettings
):
    folder = world.enroll("revoked")
    (folder / "sources.json").write_text(json.dumps({"sources": [{"kind": "simulator"}]}))
    detail = "This device was revoked; enroll it again with a code made for its id."
    world.api.refusal = (403, {"type": "urn:x:device-revoked", "detail": detail})
    made = running(world, kept, "revoked")
    window = made.window
    try:
        qtbot.waitUntil(lambda: "refused" in window.banners.texts, timeout=15_000)
        said = window.banners.texts["refused"]
        assert said.startswith("The server refuses this device: the API gives no token: This device was revoked")
        assert "ask an administrator" in said
        assert "`pulse-desktop enroll --again` with a new code" in said
        world.api.refusal = None
        qtbot.waitUntil(lambda: "refused" not in window.banners.texts, timeout=30_000)
    finally:
        world.api.refusal = None
        made.close()
