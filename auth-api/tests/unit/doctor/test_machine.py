"""What the doctor sees on the machine itself: each thing well, and each thing broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pulse_auth.doctor import machine
from pulse_auth.doctor.findings import Finding, Level
from pulse_auth.keys.jwks import publish_jwks
from pulse_auth.keys.signing import load_keys, make_key
from pulse_auth.settings import Settings, default_paths

NOW = datetime(2026, 2, 7, 10, tzinfo=UTC)
GIB = 1024**3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home as the API leaves it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = Settings(**default_paths(home))
    publish_jwks(load_keys(made.keys_dir), made.jwks_file)
    made.ca_file.write_bytes(authority(NOW + timedelta(days=365)))
    return made


def authority(ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(ends - timedelta(days=400)).not_valid_after(ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def assert_told(finding: Finding, level: Level, words: str) -> None:
    assert finding.level is level, finding
    assert words in finding.words + finding.remedy, finding
    assert bool(finding.remedy) is (level is not Level.OK), finding


def test_machine_as_the_api_leaves_it_is_well(settings: Settings) -> None:
    for found in (machine.home(settings), machine.keys(settings), machine.authority(settings, NOW)):
        assert_told(found, Level.OK, "")


def test_home_that_others_may_read_is_wrong(settings: Settings) -> None:
    settings.home.chmod(0o750)
    assert_told(machine.home(settings), Level.WRONG, f"chmod 0700 {settings.home}")


def test_home_that_is_not_there_is_wrong(settings: Settings) -> None:
    assert_told(machine.home(replace(settings, home=settings.home / "other")), Level.WRONG, "PULSE_HOME")


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [
        (100 * GIB, 50 * GIB, Level.OK),
        (1_000 * GIB, 60 * GIB, Level.OK),
        (40 * GIB, 3 * GIB, Level.WARNING),
        (1_000 * GIB, 15 * GIB, Level.WRONG),
        (2 * GIB, GIB // 3, Level.WRONG),
    ],
)
def test_disk_is_judged_by_share_and_by_bytes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, total: int, free: int, level: Level
) -> None:
    usage = shutil._ntuple_diskusage(total, total - free, free)  # type: ignore[attr-defined]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    assert_told(machine.disk(settings), level, "GiB free")


def _no_broker_key(settings: Settings) -> None:
    (settings.keys_dir / "broker-1.pem").unlink()


def _open_key(settings: Settings) -> None:
    (settings.keys_dir / "access-1.pem").chmod(0o640)


def _damaged_key(settings: Settings) -> None:
    (settings.keys_dir / "integration-1.pem").write_bytes(b"damaged")


def _old_jwks(settings: Settings) -> None:
    make_key(settings.keys_dir, list(load_keys(settings.keys_dir).keys)[1])


@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        (_no_broker_key, "no key for broker"),
        (_open_key, "others may read access-1.pem"),
        (_damaged_key, "integration-1.pem is not a private key"),
        (_old_jwks, "does not hold the public keys"),
    ],
)
def test_keys_that_are_broken_are_wrong(settings: Settings, breaking: Callable[[Settings], None], words: str) -> None:
    breaking(settings)
    assert_told(machine.keys(settings), Level.WRONG, words)


@pytest.mark.parametrize(("days", "level"), [(365, Level.OK), (40, Level.WARNING), (-1, Level.WRONG)])
def test_authority_is_judged_by_its_end(settings: Settings, days: int, level: Level) -> None:
    settings.ca_file.write_bytes(authority(NOW + timedelta(days=days)))
    assert_told(machine.authority(settings, NOW), level, "is good until 20")


def test_authority_missing_or_no_certificate_is_wrong(settings: Settings) -> None:
    settings.ca_file.write_text("nothing")
    assert_told(machine.authority(settings, NOW), Level.WRONG, "holds no certificate")
    settings.ca_file.unlink()
    assert_told(machine.authority(settings, NOW), Level.WRONG, "PULSE_CA_FILE")


def test_addresses_of_this_machine_given_to_others_are_wrong(settings: Settings) -> None:
    assert [one.level for one in machine.addresses(settings)] == [Level.OK]
    public = replace(settings, public_url="https://pulse.example", ws_url="wss://pulse.example/mqtt")
    found = machine.addresses(public)
    assert [one.level for one in found] == [Level.WRONG, Level.WRONG]
    assert {one.words.split()[0] for one in found} == {"PULSE_BROKER_MQTTS_URL", "PULSE_BROKER_WSS_URL"}
    given = replace(public, mqtts_url="mqtts://pulse.example:8883", wss_url="wss://pulse.example/mqtt")
    assert [one.level for one in machine.addresses(given)] == [Level.OK]
