"""The device's keys: in the keyring where there is one, else in 0600 files; which of the two is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError
from structlog.testing import capture_logs

from pulse_desktop.core.identity import keys, keystore, store
from pulse_desktop.core.identity.sync_keys import sync_keys
from pulse_runtime.errors import ConfigError

FIELDS = {"client_id": "D1", "api_url": "http://127.0.0.1", "mqtts_url": "mqtts://127.0.0.1", "ca_pem": "x",
          "enrolled_at": "2026-01-01T00:00:00.000Z"}  # fmt: skip


class MemoryKeyring(KeyringBackend):
    """A keyring in memory; ``is_locked``: it refuses everything."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise KeyringLocked("locked")
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("none")
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def identity(mark: str, *, in_keyring: bool) -> store.Identity:
    return store.Identity(
        **FIELDS,
        signing_key=keystore.place("signing-key", mark, in_keyring=in_keyring),
        encryption_key=keystore.place("encryption-key", mark, in_keyring=in_keyring),
    )


def test_keys_in_the_keyring_are_nowhere_in_the_folder_and_replaced_ones_go(ring: MemoryKeyring, tmp_path: Path):
    assert keystore.uses_keyring("auto")
    one, two = identity("a", in_keyring=True), identity("b", in_keyring=True)
    store.save(tmp_path, one, b"SIGN-1", b"ENCRYPT-1")
    assert (store.signing_pem(tmp_path, one), store.encryption_pem(tmp_path, one)) == (b"SIGN-1", b"ENCRYPT-1")
    assert not any(b"-1" in file.read_bytes() and b"SIGN" in file.read_bytes() for file in tmp_path.iterdir())
    store.save(tmp_path, two, b"SIGN-2", b"ENCRYPT-2")
    assert sorted(ring.kept.values()) == ["ENCRYPT-2", "SIGN-2"]
    assert keystore.place_of(two.signing_key) == "keyring"


def test_keys_without_a_usable_keyring_are_files_of_mode_0600(ring: MemoryKeyring, tmp_path: Path):
    ring.is_locked = True
    assert not keystore.uses_keyring("auto")
    one = identity("a", in_keyring=False)
    store.save(tmp_path, one, b"SIGN-1", b"ENCRYPT-1")
    assert store.signing_pem(tmp_path, one) == b"SIGN-1"
    assert (tmp_path / one.signing_key).stat().st_mode & 0o777 == 0o600
    assert keystore.place_of(one.signing_key) == "file"


def test_keys_moved_from_files_to_the_keyring_leave_no_file(ring: MemoryKeyring, tmp_path: Path):
    store.save(tmp_path, identity("a", in_keyring=False), b"SIGN-1", b"ENCRYPT-1")
    store.save(tmp_path, identity("b", in_keyring=True), b"SIGN-2", b"ENCRYPT-2")
    assert list(tmp_path.glob("*.pem")) == [tmp_path / "ca.pem"]


def test_keyring_asked_for_and_not_there_or_locked_later_is_said(ring: MemoryKeyring, tmp_path: Path):
    one = identity("a", in_keyring=True)
    store.save(tmp_path, one, b"SIGN-1", b"ENCRYPT-1")
    ring.is_locked = True
    with pytest.raises(ConfigError, match="no usable keyring"):
        keystore.uses_keyring("keyring")
    with pytest.raises(ConfigError, match="cannot be read"):
        store.signing_pem(tmp_path, one)
    ring.is_locked = False
    ring.kept.clear()
    with pytest.raises(ConfigError, match="enroll the device again"):
        store.signing_pem(tmp_path, one)


def test_keys_place_asked_for_as_a_file_or_a_wrong_word(ring: MemoryKeyring):
    assert not keystore.uses_keyring("file")
    assert ring.kept == {}, "it is not even tried"
    with pytest.raises(ConfigError, match="give auto, keyring, file"):
        keystore.uses_keyring("vault")


def test_device_without_the_servers_sync_keys_says_what_to_do(tmp_path: Path):
    pems = keys.to_pem(Ed25519PrivateKey.generate()), keys.to_pem(X25519PrivateKey.generate())
    identity = store.Identity(**FIELDS, signing_key="s.pem", encryption_key="e.pem")
    store.save(tmp_path, identity, *pems)
    with capture_logs() as logged:
        assert sync_keys(tmp_path, identity) is None
    assert "enroll the device again" in logged[0]["reason"]
