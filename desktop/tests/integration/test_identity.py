"""Enrollment and tokens by the real commands against an HTTP API that a test commands."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.device_world import FakeArchive, World
from support.processes import Program, program
from support.waiting import until


def enroll(world: World, client_id: str, code: str, *options: str, api: str | None = None) -> tuple[int, str]:
    file = world.home / "code-under-test"
    file.write_text(code)
    command = [program("pulse-desktop"), "enroll", "--client-id", client_id, "--api", api or world.api.url]
    log = world.home / f"enroll-{client_id}.log"
    log.unlink(missing_ok=True)
    done = Program("enroll", [*command, "--code-file", str(file), *options], world.variables, log).start()
    assert done.process is not None
    return done.process.wait(20), done.tail()


def test_enroll_makes_a_private_device_and_again_says_so_item_6(world: World):
    code, said = enroll(world, "good", world.code())
    assert (code, said) == (0, f"good is enrolled at {world.api.url}.")
    folder = world.home / "devices" / "good"
    identity = json.loads((folder / "identity.json").read_text())
    keys = [folder / identity["signing_key"], folder / identity["encryption_key"]]
    assert all(key.stat().st_mode & 0o777 == 0o600 for key in [*keys, folder / "identity.json"])
    assert (folder / "ca.pem").read_text() == (world.home / "ca.pem").read_text()
    assert world.api.code.split(".")[0] not in (folder / "identity.json").read_text()
    assert enroll(world, "good", "used up.x")[0] == 0, "safe to repeat: it is enrolled"
    assert enroll(world, "good", world.code(), "--again")[0] == 0
    renewed = json.loads((folder / "identity.json").read_text())
    assert renewed["signing_key"] != identity["signing_key"]
    assert sorted(folder.glob("*-key-*.pem")) == sorted(
        [folder / renewed["signing_key"], folder / renewed["encryption_key"]]
    )


def test_enroll_address_of_the_broker_may_be_overridden_item_6(world: World):
    assert enroll(world, "over", world.code(), "--broker", "mqtts://127.0.0.1:1")[0] == 0
    identity = json.loads((world.home / "devices" / "over" / "identity.json").read_text())
    assert identity["broker_url"] == "mqtts://127.0.0.1:1"


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((403, {"type": "urn:x:code-refused", "detail": "Not good."}), "the code is wrong, was used or has expired"),
        ((409, {"type": "urn:x:device-exists", "detail": "Enrolled."}), "the id refused is taken"),
        ((429, {"type": "urn:x:too-many-attempts", "detail": "Slow down."}), "wait a minute"),
        ((503, {"type": "urn:x:database-unavailable", "detail": "Down."}), "try again in a moment"),
        ((500, {}), "the server refuses (500)"),
        ((200, {}), "the server's answer is incomplete"),
    ],
)
def test_enroll_refused_says_why_in_one_sentence_and_stores_nothing_item_6(world: World, refusal: tuple, words: str):
    world.api.refusal = refusal
    try:
        code, said = enroll(world, "refused", world.code())
    finally:
        world.api.refusal = None
    assert (code, len(said.splitlines())) == (2, 1)
    assert words in said
    assert not list((world.home / "devices" / "refused").glob("*.pem"))
    assert not (world.home / "devices" / "refused" / "identity.json").exists()


@pytest.mark.parametrize(
    ("code", "api", "words"),
    [
        ("ABC.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", None, "not the one that the code names"),
        ("ABC", None, "the code is incomplete"),
        ("ABC.x", "http://127.0.0.1:1", "does not answer"),
        ("ABC.x", "http://example.test", "clear text may not leave this machine"),
        ("ABC.x", "ftp://127.0.0.1", "give https://host"),
    ],
)
def test_enroll_wrong_server_or_code_is_named_item_6(world: World, code: str, api: str | None, words: str):
    status, said = enroll(world, "wrong", code, api=api)
    assert (status, len(said.splitlines())) == (2, 1)
    assert words in said


def test_enroll_broker_in_clear_text_elsewhere_is_refused_item_6(world: World):
    status, said = enroll(world, "clear", world.code(), "--broker", "mqtt://example.test")
    assert status == 2
    assert "clear text may not leave this machine" in said


def test_device_not_enrolled_says_how(world: World):
    one = Program("x", [program("pulse-desktop"), "--headless", "--client-id", "nobody"], world.variables,
                  world.home / "nobody.log").start()  # fmt: skip
    assert one.process is not None
    assert one.process.wait(10) == 2
    assert "is not enrolled; run `pulse-desktop enroll" in one.tail()


def test_device_window_without_a_screen_says_so(world: World):
    nowhere = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    log = world.home / "window.log"
    one = Program("x", [program("pulse-desktop")], {**world.variables, **nowhere}, log).start()
    assert one.process is not None
    assert one.process.wait(10) == 2
    assert one.tail() == (
        "pulse-desktop: there is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set); use --headless."
    )


def noted(world: World, client_id: str, column: str) -> object:
    path = world.home / "devices" / client_id / "outbox.db"
    if not path.exists():
        return None
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        return db.execute(f"SELECT {column} FROM sync_state").fetchone()[0]
    except sqlite3.OperationalError:
        return None  # the device is just making it
    finally:
        db.close()


def test_token_is_renewed_before_it_runs_out_and_nothing_is_lost(world: World, archive: FakeArchive):
    world.enroll("renewing")
    device = world.device("renewing", "--source", "simulator", "--interval", "0.05")
    world.api.life_s, before = 10.0, len(world.api.tokens)
    try:
        device.start()
        renewed = "desktop.token_renewed"
        until(lambda: device.log.read_text().count(renewed) >= 2, within_s=40, what="two renewals")
        assert len(world.api.tokens) >= before + 3
        until(lambda: noted(world, "renewing", "connection_status") == "CONNECTED", within_s=10, what="it is live")
    finally:
        world.api.life_s = 3600.0
        device.stop()
    log = device.log.read_text()
    assert "desktop.connection_lost" not in log, "it reconnects before the broker cuts it off"
    db = sqlite3.connect(world.home / "devices" / "renewing" / "outbox.db")
    ((stream, last),) = db.execute("SELECT stream, last_sequence_no FROM streams").fetchall()
    db.close()
    until(lambda: archive.numbers(stream) == list(range(1, last + 1)), within_s=5, what="every number is there")


@pytest.mark.parametrize("days", [400, -400])
def test_token_is_had_although_the_clock_is_wrong(world: World, archive: FakeArchive, days: int):
    client_id = f"clock{days}".replace("-", "m")
    world.enroll(client_id)
    device = world.device(client_id, "--source", "simulator", "--interval", "0.1")
    world.api.now = lambda: datetime.now(UTC) + timedelta(days=days)
    try:
        device.start()
        until(lambda: noted(world, client_id, "connection_status") == "CONNECTED", within_s=15, what="it is live")
    finally:
        world.api.now = lambda: datetime.now(UTC)
        device.stop()
    offset_ms = noted(world, client_id, "clock_offset_ms")
    assert isinstance(offset_ms, int)
    assert abs(offset_ms - days * 86_400_000) < 5_000
    assert abs(archive.live[-1]["clock_offset_ms"] - offset_ms) < 5_000


@pytest.mark.parametrize(
    ("refusal", "link", "words"),
    [
        ((403, {"type": "urn:x:device-revoked", "detail": "This device was revoked."}), "refused", "was revoked"),
        (
            (409, {"type": "urn:x:cooling", "detail": "Wait.", "not_before": "2026-01-01T00:00:00.000Z"}),
            "refused",
            "until",
        ),
        ((503, {"detail": "Database down."}), "no broker", "Database down"),
        ((200, {"nothing": 1}), "refused here", "not a token"),
    ],
)
def test_device_refused_says_which_link_is_missing(world: World, refusal: tuple, link: str, words: str):
    world.enroll("unwanted")
    device = world.device("unwanted", "--source", "simulator")
    world.api.refusal = refusal
    try:
        device.start()
        until(lambda: noted(world, "unwanted", "link") == link, within_s=10, what="it says which link is missing")
        assert words in str(noted(world, "unwanted", "link_detail"))
        world.api.refusal = None
        until(lambda: noted(world, "unwanted", "link") == "up", within_s=15, what="it comes back by itself")
    finally:
        world.api.refusal = None
        device.stop()


def test_device_broker_with_a_foreign_certificate_is_refused(world: World, tmp_path: Path):
    world.enroll("suspicious")
    file = world.home / "devices" / "suspicious" / "identity.json"
    identity = json.loads(file.read_text())
    identity["ca_pem"] = foreign_ca()
    file.write_text(json.dumps(identity))
    device = world.device("suspicious", "--source", "simulator").start()
    until(lambda: noted(world, "suspicious", "link") == "refused here", within_s=10, what="it does not trust it")
    assert "certificate" in str(noted(world, "suspicious", "link_detail"))
    count = recorded(world, "suspicious")
    until(lambda: recorded(world, "suspicious") > count, within_s=10, what="it records on")
    device.stop()


def recorded(world: World, client_id: str) -> int:
    db = sqlite3.connect(f"file:{world.home / 'devices' / client_id / 'outbox.db'}?mode=ro", uri=True, timeout=5)
    try:
        return db.execute("SELECT sum(last_sequence_no) FROM streams").fetchone()[0]
    finally:
        db.close()


def foreign_ca() -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
