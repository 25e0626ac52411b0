"""
Random histories of a server and three desktops over a network that loses, repeats and reorders.

S1: with an empty queue and the same version, a desktop holds the server's view. S2: no ended record is revived
by who had not seen the end. S3: nothing is overwritten without a row in the log.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulse_sync.changes import CREATE, Change
from pulse_sync.messages import Event, Page, Snapshot
from pulse_sync.records import Key, Record
from pulse_sync.replica import shown
from pulse_sync.rights import Rights
from pulse_sync.view import digest, view
from support.sync_model import HISTORY, ModelDesktop, ModelServer, later, was_applied

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"
USERS = [Key.user(UUID(int=100 + number)) for number in range(3)]
ROLES = [Key.role(UUID(int=200 + number)) for number in range(2)]
LOGIN = Key.permission(UUID(int=300))
DESKTOPS = ("D1", "D2", "D3")
MEMBERSHIPS = [Key.user_role(user.id, role.id) for user in USERS for role in ROLES] + [
    Key.role_permission(role.id, LOGIN.id) for role in ROLES
]
SETTINGS = [Key.setting("flush_order"), *(Key.setting("flush_order", device) for device in DESKTOPS[:2])]
EDITS: st.SearchStrategy[tuple[Key, str, Any]] = st.one_of(
    st.tuples(st.sampled_from(USERS), st.just("username"), st.sampled_from(["ann", "ben", "CARL", "carl"])),
    st.tuples(st.sampled_from(USERS), st.just("is_active"), st.booleans()),
    st.tuples(
        st.sampled_from([*USERS, *ROLES]), st.just("deleted_at"), st.sampled_from([None, "2026-02-07T10:00:00Z"])
    ),
    st.tuples(st.sampled_from(ROLES), st.just("description"), st.sampled_from(["", "x"])),
    st.tuples(st.sampled_from(MEMBERSHIPS), st.just("present"), st.booleans()),
    st.tuples(st.sampled_from(SETTINGS), st.just("config_value"), st.sampled_from(["live_first", "buffer_first"])),
    st.tuples(st.sampled_from(SETTINGS), st.just("deleted_at"), st.sampled_from([None, "2026-02-07T10:00:00Z"])),
    st.tuples(
        st.sampled_from([Key.user(UUID(int=150 + number)) for number in range(2)]),
        st.just(CREATE),
        st.builds(lambda name: {"username": name, "password_hash": HASH}, st.sampled_from(["ann", "dora", "emil"])),
    ),
)
DEVICE = st.integers(0, len(DESKTOPS) - 1)
FATE = st.sampled_from(["delivered", "delayed", "lost"])


class Histories(RuleBasedStateMachine):
    """One history; messages on their way are kept in bags that the network empties as it likes."""

    @initialize()
    def begin(self) -> None:
        self.server = ModelServer()
        self.desktops = [ModelDesktop(one) for one in DESKTOPS]
        self.down: list[list[Event | Page | Snapshot]] = [[] for _ in DESKTOPS]
        self.told = [0] * len(DESKTOPS)
        self.number = 1_000
        for key, value in (
            *((user, {"username": f"u{index}", "password_hash": HASH}) for index, user in enumerate(USERS)),
            *((role, {"name": f"r{index}"}) for index, role in enumerate(ROLES)),
            (LOGIN, {"name": "DESKTOP_LOGIN"}),
        ):
            assert was_applied(self.server.web(key, CREATE, value, self._next()))
        for key in (MEMBERSHIPS[0], MEMBERSHIPS[-1]):
            self.server.web(key, "present", True, self._next())
        for index in range(len(DESKTOPS)):
            self._ask(index)
            self._deliver(index, 0)
            self.told[index] = self.server.version

    def _next(self) -> int:
        self.number += 1
        return self.number

    @rule(edit=EDITS, step_ms=st.integers(0, 2_000), fates=st.tuples(FATE, FATE, FATE))
    def web_changes(self, edit: tuple[Key, str, Any], step_ms: int, fates: tuple[str, str, str]) -> None:
        self.server.now = later(self.server.now, step_ms)
        self._judged(lambda: self.server.web(*edit, self._next()), None)
        self._publish(fates)

    @rule(device=DEVICE, edits=st.lists(EDITS, min_size=1, max_size=3), skew_ms=st.integers(-3_000, 3_000))
    def desktop_changes(self, device: int, edits: list[tuple[Key, str, Any]], skew_ms: int) -> None:
        for edit in edits:
            self.desktops[device].change(*edit, self._next(), later(self.server.now, skew_ms))

    @rule(device=DEVICE, most=st.integers(1, 4), lose_answers=st.booleans(), fates=st.tuples(FATE, FATE, FATE))
    def desktop_sends(self, device: int, most: int, lose_answers: bool, fates: tuple[str, str, str]) -> None:
        """Send the oldest changes in order; those sent before are repeated."""
        for change in list(self.desktops[device].queue[:most]):
            self._judged(lambda change=change: self.server.apply(change), change)
            if not lose_answers:
                self.desktops[device].answered(change.change_id)
        self._publish(fates)

    @rule(device=DEVICE, position=st.integers(0, 5), keep=st.booleans())
    def network_delivers_any(self, device: int, position: int, keep: bool) -> None:
        if self.down[device]:
            self._deliver(device, position % len(self.down[device]), keep=keep)

    @rule(device=DEVICE)
    def desktop_asks(self, device: int) -> None:
        self._ask(device)

    def _publish(self, fates: tuple[str, str, str]) -> None:
        """Hand out what is new; the network delivers, keeps for later, or loses it for each desktop."""
        for device, fate in enumerate(fates):
            events = self.server.events(DESKTOPS[device], self.told[device])
            self.told[device] = self.server.version
            start = len(self.down[device])
            if fate != "lost":
                self.down[device] += events
            if fate == "delivered":
                for _ in events:
                    self._deliver(device, start)

    def _deliver(self, device: int, index: int, *, keep: bool = False) -> None:
        bag = self.down[device]
        message = bag[index] if keep else bag.pop(index)
        if self.desktops[device].take(message):
            self._ask(device)

    def _ask(self, device: int) -> None:
        self.down[device] += self.server.answer(DESKTOPS[device], *self.desktops[device].request())

    def _judged(self, act: Any, change: Change | None) -> None:
        """Do something on the server, and hold what it did against S2 and S3."""
        before, rows = dict(self.server.records), len(self.server.sync_log)
        act()
        for key, record in self.server.records.items():
            old = before.get(key)
            if old is None or old == record:
                continue
            self._check_overwritten(old, record, rows)
            if change is not None and old.is_ended:
                self._check_seen(old, change)

    def _check_overwritten(self, old: Record, new: Record, rows: int) -> None:
        logged = self.server.sync_log[rows:]
        for name in old.fields:
            if old.get(name) != new.get(name):
                told = [row for row in logged if row.old_value is not None or row.new_value is not None]
                assert told, f"{name} was overwritten without a row"

    def _check_seen(self, old: Record, change: Change) -> None:
        if change.field in {"deleted_at", "is_active", "present"} and change.value not in {None, True}:
            return
        for name in old.ended_by:
            stamp = old.clock[name]
            seen = change.history == HISTORY and change.base >= stamp.version
            assert seen or stamp.source == change.source, "an end was undone by who had not seen it"

    @invariant()
    def desktop_with_empty_queue_at_the_servers_version_holds_its_view(self) -> None:
        if not hasattr(self, "server"):
            return
        for desktop in self.desktops:
            if desktop.position.history is None:
                continue
            if desktop.position.version == self.server.last_concerning(desktop.client_id) and not desktop.queue:
                assert shown(desktop.held, desktop.queue) == view(self.server.records, desktop.client_id)

    @invariant()
    def hashes_are_held_only_of_who_may_sign_in(self) -> None:
        for desktop in getattr(self, "desktops", []):
            if desktop.position.version == self.server.last_concerning(desktop.client_id) and desktop.position.version:
                rights = Rights(self.server.records)
                holding = {key.id for key, one in desktop.held.items() if "password_hash" in one.fields}
                assert holding == {user for user in rights.roles_of if rights.may_sign_in(user)}

    def teardown(self) -> None:
        """Let the network be good again: everybody converges without anyone doing anything (S6)."""
        if not hasattr(self, "server"):
            return
        for index, desktop in enumerate(self.desktops):
            while desktop.queue:
                change = desktop.queue[0]
                self._judged(lambda change=change: self.server.apply(change), change)
                desktop.answered(change.change_id)
            self.down[index].clear()
        for index, desktop in enumerate(self.desktops):
            self._ask(index)
            for _ in range(100):
                if not self.down[index]:
                    break
                if desktop.take(self.down[index].pop(0)):
                    self._ask(index)
            assert digest(desktop.held) == digest(view(self.server.records, desktop.client_id))


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
