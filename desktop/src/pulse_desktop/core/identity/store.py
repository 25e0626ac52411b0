"""
The device's folder: ``identity.json`` (there: enrolled), its two key files, ``ca.pem``, the outbox.

``identity.json`` is replaced in one step and names the key files it goes with, so an interrupted enrollment
leaves either the old device or the new one, never a mixture.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

IDENTITY = "identity.json"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who the device is.

    ``broker_url``: set here, goes before what the server says (``mqtts_url``); key fields
    are file names inside the folder; ``sync_*`` are the server's public keys as JWK.
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
    write_private(folder / identity.signing_key, signing_pem)
    write_private(folder / identity.encryption_key, encryption_pem)
    write_private(folder / IDENTITY, msgspec.json.format(msgspec.json.encode(identity)))
    write_private(folder / "ca.pem", identity.ca_pem.encode(), mode=0o644)
    for old in [*folder.glob("signing-key*.pem"), *folder.glob("encryption-key*.pem")]:
        if old.name not in {identity.signing_key, identity.encryption_key}:
            old.unlink(missing_ok=True)


def signing_pem(folder: Path, identity: Identity) -> bytes:
    """
    Return the private signing key.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        return (folder / identity.signing_key).read_bytes()
    except OSError as error:
        raise ConfigError(f"the device's key {folder / identity.signing_key} cannot be read: {error}.") from error
