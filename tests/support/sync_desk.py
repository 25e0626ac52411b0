"""An enrolled desktop in a test's database, with its keys: opens what the sync service hands to the broker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from uuid_utils.compat import uuid7

from pulse_auth.db.models import Device, OperatorKey
from pulse_auth.db.session import Sessions
from pulse_auth.domain.devices.sync_keys import SyncKeys
from pulse_sync.changes import Change
from pulse_sync.envelopes import Key, open_from_server, seal_to_server, sign_change
from pulse_sync.messages import SERVER, FromDevice, FromServer
from pulse_sync.records import Key as RecordKey
from support.device_keys import DeviceKeys, b64


def jwk(key: Any, curve: str) -> dict[str, str]:
    """Return a private key as a JWK."""
    public, private = key.public_key().public_bytes_raw(), key.private_bytes_raw()
    return {"kty": "OKP", "crv": curve, "x": b64(public), "d": b64(private)}


def public_jwk(key: Any, curve: str) -> dict[str, str]:
    """Return the public half of a private key as a JWK."""
    return {name: value for name, value in jwk(key, curve).items() if name != "d"}


@dataclass
class Postbox:
    """Stands where the connection to the broker is: keeps what is sent, or loses it while ``is_away``."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)
    is_away: bool = False

    async def send(self, messages: Iterable[tuple[str, bytes]]) -> bool:
        found = list(messages)
        if not self.is_away:
            self.sent += found
        return not self.is_away


class Desk:
    """One device's keys, and a person's on it."""

    def __init__(self, client_id: str, keys: SyncKeys) -> None:
        self.client_id = client_id
        self.keys = DeviceKeys(client_id)
        self.author = Ed25519PrivateKey.generate()
        self.author_id = ""
        self._server_signing = Key(keys.public()["sync_signing"])
        self._server_encryption = Key(keys.public()["sync_encryption"])

    async def enroll(self, sessions: Sessions) -> Desk:
        async with sessions.begin() as session:
            session.add(
                Device(
                    client_id=self.client_id,
                    signing_key=public_jwk(self.keys.signing, "Ed25519"),
                    encryption_key=public_jwk(self.keys.encryption, "X25519"),
                )
            )
        return self

    async def sign_in(self, sessions: Sessions, user_id: str) -> None:
        """Register the person's key for this desktop."""
        self.author_id = user_id
        async with sessions.begin() as session:
            key = public_jwk(self.author, "Ed25519")
            session.add(OperatorKey(user_id=UUID(user_id), client_id=self.client_id, public_key=key))

    def opened(self, sent: Iterable[tuple[str, bytes]]) -> list[FromServer]:
        """Return this device's messages among those sent."""
        encryption = Key(jwk(self.keys.encryption, "X25519"))
        ours = [payload for topic, payload in sent if f"/{self.client_id}" in topic]
        found = [json.loads(payload)["jwe"] for payload in ours]
        return [open_from_server(one, self._server_signing, encryption, self.client_id) for one in found]

    def change(self, key: RecordKey, name: str, value: Any, **changes: Any) -> Change:
        """Return a change by the signed-in person."""
        made: dict[str, Any] = {
            "change_id": str(uuid7()),
            "type": key.kind,
            "id": key.id,
            "field": name,
            "value": value,
            "base": 0,
            "history": None,
            "by": "user:somebody",
            "author": self.author_id,
            "source": f"desktop:{self.client_id}",
        }
        return Change(**{**made, **changes})

    def seal(self, change: Change, after: str | None = None) -> bytes:
        """Return the payload that carries *change*."""
        layer = FromDevice(
            aud=SERVER,
            client_id=self.client_id,
            change_id=change.change_id,
            after=after,
            author=change.author,
            change=sign_change(change, Key(jwk(self.author, "Ed25519"))),
        )
        device = Key(jwk(self.keys.signing, "Ed25519"))
        return json.dumps({"jwe": seal_to_server(layer, device, self._server_encryption)}).encode()


def fresh_keys() -> SyncKeys:
    """Return the server's sync keys of one test."""
    return SyncKeys(Ed25519PrivateKey.generate(), X25519PrivateKey.generate())
