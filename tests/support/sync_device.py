"""
A desktop's side of the identity sync, made by hand: holds a view, asks, applies, and sends signed changes.

Works message by message when it is told to, so that a test decides what is lost, repeated or reordered.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from pulse_sync.changes import Change
from pulse_sync.envelopes import EnvelopeError, Key, open_from_server, seal_to_server, sign_change
from pulse_sync.messages import SERVER, Answer, Event, FromDevice, FromServer, Page, Snapshot
from pulse_sync.records import Key as RecordKey
from pulse_sync.records import Record
from pulse_sync.replica import Position, Verdict, judge, stamp_of_change
from pulse_sync.view import digest, from_wire
from support.accounts import psql
from support.device_keys import b64
from support.raw_device import RawDevice
from support.stack import Stack
from support.waiting import until


def jwk(key: Any, curve: str) -> dict[str, str]:
    """Return a private key as a JWK."""
    public, private = key.public_key().public_bytes_raw(), key.private_bytes_raw()
    return {"kty": "OKP", "crv": curve, "x": b64(public), "d": b64(private)}


class SyncDevice:
    """One enrolled desktop; ``held`` is its view, ``answers`` what became of its changes by their ids."""

    def __init__(self, stack: Stack, client_id: str) -> None:
        self.client_id, self.stack = client_id, stack
        self.raw = RawDevice(stack, client_id)
        server = self.raw.enroll()["server_keys"]
        self.server_signing, self.server_encryption = Key(server["sync_signing"]), Key(server["sync_encryption"])
        self.encryption = Key(jwk(self.raw.keys.encryption, "X25519"))
        self.signing = Key(jwk(self.raw.keys.signing, "Ed25519"))
        self.position = Position(None, 0)
        self.held: dict[RecordKey, Record] = {}
        self.parts: dict[str, dict[int, Snapshot]] = {}
        self.answers: dict[str, Answer] = {}
        self.taken: list[FromServer] = []
        self.faults: list[str] = []
        self.asks = 0
        self.author: tuple[str, str, Key] | None = None
        self._seen = 0

    def connect(self) -> SyncDevice:
        """Connect and subscribe to everything that the server may send."""
        names = ("user/create", "user/update", "user/delete", "rbac/update", "config/update")
        topics = [f"sync/{name}/{self.client_id}" for name in names]
        self.raw.connect(*topics, f"sync/device/{self.client_id}/state")
        return self

    def close(self) -> None:
        self.raw.close()

    def ask(self, **changes: Any) -> None:
        """Ask for what was missed, as at connect."""
        self.asks += 1
        nonce = uuid4().hex
        self.position = Position(self.position.history, self.position.version, nonce)
        known = self.position.version > 0
        request = {
            "client_id": self.client_id,
            "history": self.position.history,
            "from_version": self.position.version,
            "digest": digest(self.held) if known else None,
            "nonce": nonce,
        }
        self.raw.publish(f"sync/device/{self.client_id}/request", json.dumps({**request, **changes}).encode())

    def work(self) -> None:
        """Take everything that has come since the last time."""
        while self._seen < len(self.raw.heard):
            self._seen += 1
            self.take(self.raw.heard[self._seen - 1][1])

    def take(self, payload: bytes) -> None:
        """Open one envelope and do what follows from it."""
        try:
            jwe = json.loads(payload)["jwe"]
            message = open_from_server(jwe, self.server_signing, self.encryption, self.client_id)
        except EnvelopeError as error:
            self.faults.append(str(error.fault))
            return
        self.taken.append(message)
        if isinstance(message, Answer):
            self.answers[message.change_id] = message
            return
        if isinstance(message, Snapshot) and not self._is_whole(message):
            return
        verdict = judge(self.position, message)
        if verdict is Verdict.APPLY:
            self._apply(message)
        if verdict is Verdict.ASK or self._is_astray(message):
            self.ask()

    def sync(self, within_s: float = 10) -> None:
        """Work until the view is the server's, as far as the last answer said."""
        until(self._has_caught_up, within_s=within_s, what=f"{self.client_id} has caught up")

    def reach(self, version: int, within_s: float = 10) -> None:
        """Work until *version* is reached."""

        def reached() -> bool:
            self.work()
            return self.position.version >= version

        until(reached, within_s=within_s, what=f"{self.client_id} reaches version {version}")

    def sign_in(self, username: str, password: str) -> None:
        """Make and register a signing key of that person for this desktop."""
        private = Ed25519PrivateKey.generate()
        full = jwk(private, "Ed25519")
        with closing(self.stack.client(username, password)) as client:
            public = {name: full[name] for name in ("kty", "crv", "x")}
            answer = client.put(f"/auth/operator-keys/{self.client_id}", json={"public_key": public})
            assert answer.is_success, answer.text
            user_id = client.get("/auth/me").json()["id"]
        self.author = (username, user_id, Key(full))

    def change(self, key: RecordKey, field: str, value: Any, **changes: Any) -> Change:
        """Return a change by the signed-in person, as the desktop would stamp it."""
        assert self.author is not None
        made: dict[str, Any] = {
            "change_id": str(uuid7()),
            "type": key.kind,
            "id": key.id,
            "field": field,
            "value": value,
            "at": stamp_of_change(self.held.get(key), field, datetime.now(UTC)),
            "base": self.position.version,
            "history": self.position.history,
            "by": f"user:{self.author[0]}",
            "author": self.author[1],
            "source": f"desktop:{self.client_id}",
        }
        return Change(**{**made, **changes})

    def seal(self, change: Change, after: str | None = None, **changes: Any) -> bytes:
        """Return the payload that carries *change*."""
        assert self.author is not None
        layer = FromDevice(
            **{
                "aud": SERVER,
                "client_id": self.client_id,
                "change_id": change.change_id,
                "after": after,
                "author": change.author,
                "change": sign_change(change, self.author[2]),
                **changes,
            }
        )
        return json.dumps({"jwe": seal_to_server(layer, self.signing, self.server_encryption)}).encode()

    def send(self, payload: bytes) -> None:
        self.raw.publish(f"sync/device/{self.client_id}/changes", payload)

    def submit(self, change: Change, within_s: float = 10) -> Answer:
        """Send a change and wait for its answer."""
        self.send(self.seal(change))
        return self.answered(change.change_id, within_s)

    def answered(self, change_id: str, within_s: float = 10) -> Answer:
        def found() -> Answer | None:
            self.work()
            return self.answers.get(change_id)

        answer = until(found, within_s=within_s, what=f"the answer to {change_id}")
        assert isinstance(answer, Answer)
        return answer

    def heartbeat(self, **fields: Any) -> None:
        """Send a heartbeat that says where the desktop is."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"client_id": self.client_id, "status": "ONLINE", "timestamp": now}
        where = {"history": self.position.history, "identity_version": self.position.version}
        self.raw.publish(f"heartbeat/{self.client_id}", json.dumps({**said, **where, **fields}).encode(), retain=True)

    def _is_whole(self, message: Snapshot) -> bool:
        parts = self.parts.setdefault(message.snapshot, {})
        parts[message.part] = message
        return len(parts) == message.parts

    def _apply(self, message: Event | Page | Snapshot) -> None:
        if isinstance(message, Event):
            records = [message.record]
        elif isinstance(message, Page):
            records = message.records
        else:
            self.held = {}
            records = [one for _, part in sorted(self.parts[message.snapshot].items()) for one in part.records]
        self.held |= {record.key: record for record in map(from_wire, records)}
        self.position = Position(message.history, message.version, self.position.nonce)

    def _is_astray(self, message: Event | Page | Snapshot) -> bool:
        if not isinstance(message, Page) or message.digest_version != self.position.version:
            return False
        if message.history != self.position.history or digest(self.held) == message.digest:
            return False
        self.position = Position(self.position.history, 0)
        return True

    def _has_caught_up(self) -> bool:
        self.work()
        last = self.taken[-1] if self.taken else None
        if not isinstance(last, Page | Snapshot) or last.nonce != self.position.nonce:
            return False
        reached = last.digest_version if isinstance(last, Page) else last.version
        return self.position.version >= reached


def wait_published(stack: Stack, within_s: float = 10) -> int:
    """Wait until everything that was written is with the broker; return the version."""

    def done() -> int | None:
        version, sent = psql(stack, "SELECT array[(SELECT version FROM record_version), version] FROM sync_publication")
        return int(version) if version == sent else None

    return int(until(done, within_s=within_s, what="everything is published"))


def create_user(stack: Stack, username: str, *roles: str, password: str) -> str:
    """Create a user over HTTP; return the id."""
    answer = stack.admin.post("/users", json={"username": username, "password": password, "roles": list(roles)})
    assert answer.is_success, answer.text
    return str(answer.json()["id"])
