"""
The device's folder: ``identity.json`` (there: enrolled), its two keys, ``ca.pem``, the outbox.

``identity.json`` is replaced in one step and names the keys it goes with, so an interrupted enrollment
leaves either the old device or the new one, never a mixture. Read next: ``keystore`` (where the keys are).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

from . import keystore

IDENTITY = "identity.json"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who the device is.

    ``broker_url``: set here, goes before what the server says (``mqtts_url``); key fields
    name keys of the ``keystore``; ``sync_*`` are the server's public keys as JWK.
    """

    client_id: str
    api_url: str
    mqtts_url: str
    ca_pem: str
    signing_key: str
    encryption_key: str
    enrolled_at: str
    wss_url: str | None = None
    broker_url: str | None = None
    sync_signing: dict[str, str] | None = None
    sync_encryption: dict[str, str] | None = None


def load(folder: Path) -> Identity | None:
    """
    Return the identity in *folder*, ``None`` when the device is not enrolled.

    Raises:
        ConfigError: The file is there but cannot be used.
    """
    path = folder / IDENTITY
    try:
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} cannot be used ({error}); enroll the device again.") from error


def save(folder: Path, identity: Identity, signing_pem: bytes, encryption_pem: bytes) -> None:
    """Store an enrolled device: keys and CA first, then ``identity.json``, then what it replaced is removed."""
    old = _former_keys(folder) - {identity.signing_key, identity.encryption_key}
    keystore.keep(folder, identity.signing_key, signing_pem)
    keystore.keep(folder, identity.encryption_key, encryption_pem)
    write_private(folder / "ca.pem", identity.ca_pem.encode(), mode=0o644)
    write_private(folder / IDENTITY, msgspec.json.format(msgspec.json.encode(identity)))
    keystore.forget(folder, old)


def readdress(folder: Path, identity: Identity) -> None:
    """Store the same device with other addresses; its keys stay as they are."""
    write_private(folder / IDENTITY, msgspec.json.format(msgspec.json.encode(identity)))


def _former_keys(folder: Path) -> set[str]:
    files = {file.name for kind in ("signing-key", "encryption-key") for file in folder.glob(f"{kind}*.pem")}
    try:
        former = load(folder)
    except ConfigError:
        former = None
    return files | ({former.signing_key, former.encryption_key} if former is not None else set())


def signing_pem(folder: Path, identity: Identity) -> bytes:
    """
    Return the private signing key.

    Raises:
        ConfigError: It cannot be read.
    """
    return keystore.read(folder, identity.signing_key)


def encryption_pem(folder: Path, identity: Identity) -> bytes:
    """
    Return the private encryption key.

    Raises:
        ConfigError: It cannot be read.
    """
    return keystore.read(folder, identity.encryption_key)
