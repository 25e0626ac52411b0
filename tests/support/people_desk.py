"""A device with people in its real ``identity.db``, and a bridge to its real operation; the server is the bench's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.identity import sessions, store
from pulse_desktop.core.identity.sessions import SignedIn
from pulse_desktop.core.operation import Operation
from pulse_desktop.core.sync.change_queue import ChangeQueue
from pulse_sync.changes import Change
from pulse_sync.records import Key, Kind, Record
from support.sync_bench import EDIT_CONFIG, MANAGE_ROLES, MANAGE_USERS, ROLE, USER, bench_with_people, record, user
from support.window_fakes import FakeBridge

BOB, EVE, OPERATORS, VALVES = (f"018f0000-0000-7000-8000-0000000000b{digit}" for digit in range(1, 5))
RIGHTS = {"MANAGE_USERS": MANAGE_USERS, "MANAGE_ROLES": MANAGE_ROLES, "EDIT_CONFIG": EDIT_CONFIG}
# Nobody listens on the discard port: the server is away.
IDENTITY = store.Identity(
    client_id="D1", api_url="http://127.0.0.1:9", mqtts_url="mqtts://pulse.example", ca_pem="", signing_key="s.pem",
    encryption_key="e.pem", enrolled_at="2026-01-01T00:00:00.000Z",
)  # fmt: skip


class PeopleDesk:
    """Ann, who holds everything, is signed in; bob is an operator, eve is inactive; one permission has topic rules."""

    def __init__(self, folder: Path) -> None:
        self.bench = bench_with_people(folder)
        self.operation = Operation(DeviceFolder("D1", folder), IDENTITY, self.bench.clock, lambda: None)
        self.bridge = FakeBridge()
        self.bridge.operation = self.operation
        self.put(
            user(BOB, "bob"),
            user(EVE, "eve", is_active=False, password_hash=None),
            record(Key.role(OPERATORS), name="OPERATOR", description="Watches machines", deleted_at=None),
            record(
                Key.permission(VALVES), name="VALVES", description="Opens and closes valves", deleted_at=None,
                rules=[{"action": "subscribe", "topic": "telemetry/+/live"}],
            ),
            record(Key.user_role(BOB, OPERATORS), present=True),
            record(Key.role_permission(OPERATORS, VALVES), present=True),
        )  # fmt: skip
        sessions.begin(self.bench.db, SignedIn(USER, "ann", "2026-01-01T00:00:00.000Z", True, None))
        self.bench.keep_key()

    def put(self, *records: Record) -> None:
        """Let the server change records, and this device learn of it."""
        self.bench.deliver(*self.bench.server.put(*records))

    def take_away(self, *permissions: str) -> None:
        """Let ann's role lose permissions."""
        self.put(*(record(Key.role_permission(ROLE, RIGHTS[one]), present=False) for one in permissions))

    def give(self, *permissions: str) -> None:
        """Let ann's role have permissions again."""
        self.put(*(record(Key.role_permission(ROLE, RIGHTS[one]), present=True) for one in permissions))

    def queued(self) -> list[tuple[Kind, str, Any]]:
        """Return what waits for the server: kind, field, value."""
        return [(one.type, one.field, one.value) for one in self.changes()]

    def changes(self) -> list[Change]:
        """Return the changes that wait for the server."""
        return [queued.change for queued in ChangeQueue(self.bench.db).all()]

    def shown(self, key: Key) -> Record:
        """Return a record as this device shows it."""
        return self.bench.shown().records[key]

    def answer(self, change: Change, status: str, **fields: Any) -> None:
        """Let the server answer a change."""
        self.bench.deliver(self.bench.outcome(change, status, **fields))

    def close(self) -> None:
        """Close the device's file."""
        self.bench.close()
