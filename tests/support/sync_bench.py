"""
A device's sync on a bench: its real engine, file and commands, a server of a few lines, a clock that a test turns.

The server knows nothing of merging: it holds records, numbers their changes, and answers requests.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pulse_acl.payloads import SyncEnvelope, SyncRequest, decode, encode
from pulse_desktop.core.identity.consequences import Consequences
from pulse_desktop.core.identity.operator_keys import OperatorKeys
from pulse_desktop.core.sync.author import Author
from pulse_desktop.core.sync.commands import CommandDesk
from pulse_desktop.core.sync.engine import SyncEngine
from pulse_desktop.core.sync.holdings import Holdings, read_holdings
from pulse_desktop.core.sync.keys import SyncKeys, private_key
from pulse_desktop.core.sync.ports import Hooks
from pulse_desktop.core.sync.schema import FILE_NAME, open_identity
from pulse_desktop.core.sync.store import SyncStore
from pulse_sync.changes import Change
from pulse_sync.envelopes import open_change, open_from_device, seal_to_device
from pulse_sync.messages import Answer, Event, FromDevice, FromServer, Page, Snapshot
from pulse_sync.records import Key, Record, Stamp
from pulse_sync.view import digest, to_wire
from support.device_fakes import FakeClock

HISTORY = "018f0000-0000-7000-8000-0000000000aa"
OTHER_HISTORY = "018f0000-0000-7000-8000-0000000000bb"
USER, ROLE, LOGIN, MANAGE_USERS, MANAGE_ROLES, EDIT_CONFIG = (
    f"018f0000-0000-7000-8000-00000000000{digit}" for digit in range(1, 7)
)
PERMISSIONS = {
    LOGIN: "DESKTOP_LOGIN",
    MANAGE_USERS: "MANAGE_USERS",
    MANAGE_ROLES: "MANAGE_ROLES",
    EDIT_CONFIG: "EDIT_CONFIG",
}
PASSWORD = "a-fine-password-12"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def record(key: Key, at: str = "2026-01-01T00:00:00.000Z", by: str = "user:admin", **fields: Any) -> Record:
    """Return a record of a device's view, every field stamped alike."""
    return Record(key, fields, dict.fromkeys(fields, Stamp(at, by, "web")))


def user(user_id: str = USER, username: str = "ann", *, at: str = "2026-01-01T00:00:00.000Z", **fields: Any) -> Record:
    """Return a user whose hash devices hold; ``password_hash=None`` leaves it out."""
    given = {"username": username, "password_hash": HASH, "is_active": True, "deleted_at": None, **fields}
    return record(
        Key.user(user_id), at, **{name: v for name, v in given.items() if (name, v) != ("password_hash", None)}
    )


def people() -> list[Record]:
    """Return the user ann, whose role holds ``PERMISSIONS``."""
    role = record(Key.role(ROLE), name="BOSS", description="", deleted_at=None)
    made = [
        record(Key.permission(one), name=name, description="", rules=[], deleted_at=None)
        for one, name in PERMISSIONS.items()
    ]
    given = [record(Key.role_permission(ROLE, one), present=True) for one in PERMISSIONS]
    return [user(), role, *made, record(Key.user_role(USER, ROLE), present=True), *given]


class BenchChannel:
    """Keeps what is published; the number of a message is its place, from 1."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        assert not retain
        self.sent.append((topic, payload))
        return len(self.sent)

    def take(self, ending: str) -> list[bytes]:
        """Return, and forget, what was published on topics with that ending."""
        found = [payload for topic, payload in self.sent if topic.endswith(ending)]
        self.sent = [(topic, payload) for topic, payload in self.sent if not topic.endswith(ending)]
        return found


class BenchServer:
    """The server's state for one device."""

    def __init__(self, client_id: str) -> None:
        self.client_id, self.history, self.version = client_id, HISTORY, 0
        self.signing, self.encryption = (
            private_key(Ed25519PrivateKey.generate()),
            private_key(X25519PrivateKey.generate()),
        )
        self.records: dict[Key, Record] = {}
        self.changed_at: dict[Key, int] = {}

    def put(self, *records: Record) -> list[FromServer]:
        """Change records, an event each; return the events."""
        events: list[FromServer] = []
        for one in records:
            previous, self.version = self.version, self.version + 1
            self.records[one.key], self.changed_at[one.key] = one, self.version
            events.append(
                Event(
                    aud=self.client_id, history=self.history, version=self.version, previous=previous,
                    event="RBAC_UPDATE", record=to_wire(one),
                )
            )  # fmt: skip
        return events

    def answer(self, request: SyncRequest) -> list[FromServer]:
        """Answer as the protocol says; a record a page, two a part, so that there are several."""
        is_known = request.history == self.history and 0 < request.from_version <= self.version
        if is_known and request.from_version == self.version:
            is_known = request.digest == digest(self.records)
        return self._pages(request) if is_known else self.snapshot(request.nonce)

    def _pages(self, request: SyncRequest) -> list[FromServer]:
        late = sorted((v, key) for key, v in self.changed_at.items() if v > request.from_version)
        steps = [(version, [to_wire(self.records[key])]) for version, key in late]
        if not steps or steps[-1][0] != self.version:
            steps.append((self.version, []))
        found: list[FromServer] = []
        previous = request.from_version
        for version, wires in steps:
            found.append(
                Page(
                    aud=self.client_id, history=self.history, version=version, previous=previous, records=wires,
                    digest=digest(self.records), digest_version=self.version, nonce=request.nonce,
                )
            )  # fmt: skip
            previous = version
        return found

    def snapshot(self, nonce: str | None) -> list[FromServer]:
        wires = [to_wire(one) for one in self.records.values()]
        parts = [wires[index : index + 2] for index in range(0, len(wires), 2)] or [[]]
        name = f"018f0000-0000-7000-8000-{self.version:012d}"
        return [
            Snapshot(
                aud=self.client_id, history=self.history, version=self.version, snapshot=name, part=number,
                parts=len(parts), records=part, digest=digest(self.records), nonce=nonce,
            )
            for number, part in enumerate(parts, 1)
        ]  # fmt: skip


class SyncBench:
    """One device with its file in *folder*; ``told`` collects what its hooks were called with."""

    def __init__(self, folder: Path, client_id: str = "D1") -> None:
        self.path, self.client_id, self.clock = folder / FILE_NAME, client_id, FakeClock()
        self.server, self.channel = BenchServer(client_id), BenchChannel()
        self.signing, encryption = private_key(Ed25519PrivateKey.generate()), private_key(X25519PrivateKey.generate())
        self.keys = SyncKeys(self.signing, encryption, self.server.signing, self.server.encryption)
        self.told: list[tuple[str, Any]] = []
        self.person = Ed25519PrivateKey.generate()
        self.open()

    def open(self) -> None:
        """Begin as a process that starts."""
        self.db: sqlite3.Connection = open_identity(self.path)
        hooks = Hooks(
            on_position=lambda _history, version: self.told.append(("position", version)),
            on_settings=lambda version: self.told.append(("settings", version)),
            flush=lambda: self.told.append(("flush", None)),
            reload=lambda: self.told.append(("reload", None)),
        )
        self.store, self.consequences = SyncStore(self.db), Consequences(self.db, self.clock)
        self.engine = SyncEngine(
            self.client_id, self.db, self.keys, self.clock, hooks, on_key_ended=self.consequences.key_ended
        )
        self.desk = CommandDesk(
            self.client_id, self.db, self.clock, hooks, ask=self.engine.ask,
            is_caught_up=lambda: self.engine.is_caught_up,
        )  # fmt: skip

    def die(self) -> None:
        """End as a process that is killed, and begin anew."""
        self.db.close()
        self.channel = BenchChannel()
        self.open()

    def link_up(self, offset_ms: int = 0) -> None:
        """Connect; what the device asks is not yet answered."""
        self.engine.link_up(self.channel, offset_ms)
        self.desk.link_up(self.channel)

    def connect(self, offset_ms: int = 0) -> None:
        """Connect, and let the server answer until the device asks no more."""
        self.link_up(offset_ms)
        self.answer_all()

    def answer_all(self) -> None:
        while requests := self.requests():
            for request in requests:
                self.deliver(*self.server.answer(request))
        self.draw()

    def requests(self) -> list[SyncRequest]:
        return [decode(SyncRequest, payload) for payload in self.channel.take("/request")]

    def deliver(self, *messages: FromServer) -> None:
        """Hand messages over as they travel, sealed for this device."""
        for one in messages:
            self.deliver_raw(seal_to_device(one, self.server.signing, self.keys.encryption))

    def deliver_raw(self, jwe: str) -> None:
        self.engine.received(encode(SyncEnvelope(jwe=jwe)))

    def changes(self) -> list[tuple[FromDevice, Change]]:
        """Return what the device has sent, opened with the server's key."""
        found = []
        for payload in self.channel.take("/changes"):
            layer = open_from_device(json.loads(payload)["jwe"], self.server.encryption, self.signing, self.client_id)
            found.append((layer, open_change(layer, private_key(self.person))))
        return found

    def author(self) -> Author:
        """Return ann, who may change records here."""
        return Author(self.db, self.client_id, self.clock, user_id=USER, username="ann", key=self.person)

    def keep_key(self, hash_at: str | None = "2026-01-01T00:00:00.000Z") -> OperatorKeys:
        keys = OperatorKeys(self.db)
        keys.keep(USER, self.person, PASSWORD, hash_at, self.clock.now())
        return keys

    def draw(self) -> None:
        """Draw the consequences, as the loop does when nothing more waits."""
        self.consequences.draw(self.engine.holdings)

    def outcome(self, change: Change, status: str, **fields: Any) -> Answer:
        given = {
            "kind": "outcome", "aud": self.client_id, "history": self.server.history, "change_id": change.change_id,
            "status": status, "at": "2026-06-01T12:00:00.000Z", **fields,
        }  # fmt: skip
        return msgspec.convert(given, Answer)

    def shown(self) -> Holdings:
        return read_holdings(self.db)

    def bytes_on_disk(self) -> bytes:
        return b"".join(file.read_bytes() for suffix in ("", "-wal") if (file := Path(f"{self.path}{suffix}")).exists())

    def close(self) -> None:
        self.db.close()


def bench_with_people(folder: Path) -> SyncBench:
    """Return a device that has ann and her rights, and is connected."""
    made = SyncBench(folder)
    made.server.put(*people())
    made.connect()
    return made
