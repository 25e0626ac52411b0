"""
A model of the identity sync in memory: one server, several desktops, and a network that a test may spoil.

The server merges by the real rules and makes the real messages, the desktops take them by the real decisions; only
database, broker and envelopes are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pulse_acl.payloads import format_time
from pulse_sync.changes import CREATE, Change, Status
from pulse_sync.merge import Facts, LogRow, Outcome, merge
from pulse_sync.messages import Event, Page, Snapshot
from pulse_sync.names import name_key
from pulse_sync.records import MEMBERSHIPS, NAME_FIELDS, WEB, Key, Kind, Record
from pulse_sync.replica import Position, Verdict, judge, shown, stamp_of_change
from pulse_sync.rights import Rights
from pulse_sync.view import concerns, digest, event_name, from_wire, moved_users, to_wire, view

HISTORY = str(UUID(int=0xA))
START = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)


@dataclass
class ModelServer:
    """Records, the log of events (version, key, name), the sync log, and the answers given."""

    records: dict[Key, Record] = field(default_factory=dict)
    version: int = 0
    log: list[tuple[int, Key, str]] = field(default_factory=list)
    sync_log: list[LogRow] = field(default_factory=list)
    answers: dict[str, Outcome] = field(default_factory=dict)
    now: datetime = START

    def apply(self, change: Change) -> Outcome:
        """Merge one change, once."""
        if change.change_id in self.answers:
            return self.answers[change.change_id]
        present = self.records.get(change.key)
        outcome = merge(present, change, self._facts(change, present))
        self.answers[change.change_id] = outcome
        self.sync_log += outcome.log
        if outcome.record is not None:
            self._write(present, outcome.record)
        return outcome

    def web(self, key: Key, name: str, value: Any, number: int) -> Outcome:
        """Change something at the web, where the newest state is seen."""
        present = self.records.get(key)
        stamps = [stamp.at for stamp in present.clock.values()] if present is not None else []
        return self.apply(
            Change(
                change_id=str(UUID(int=number)),
                type=key.kind,
                id=key.id,
                field=name,
                value=value,
                at=max([format_time(self.now), *stamps]),
                base=self.version,
                history=HISTORY,
                by="user:web",
                author=str(UUID(int=1)),
                source=WEB,
            )
        )

    def last_concerning(self, device: str) -> int:
        return max((version for version, key, _ in self.log if concerns(key, device)), default=0)

    def events(self, device: str, behind: int) -> list[Event]:
        """Return the device's events behind a version, each with the record as it is now."""
        held = view(self.records, device)
        found, previous = [], 0
        for version, key, name in self.log:
            if not concerns(key, device):
                continue
            if version > behind:
                found.append(
                    Event(
                        aud=device,
                        history=HISTORY,
                        version=version,
                        previous=previous,
                        event=name,
                        record=to_wire(held[key]),
                    )
                )
            previous = version
        return found

    def answer(self, device: str, position: Position, said: str | None, pages_of: int = 2) -> list[Page | Snapshot]:
        """Return what a request gets: pages of a few records each, or a snapshot."""
        held, last = view(self.records, device), self.last_concerning(device)
        is_astray = position.version == last and said != digest(held)
        if position.history != HISTORY or not 0 < position.version <= last or is_astray:
            whole = {"aud": device, "history": HISTORY, "version": last, "snapshot": HISTORY}
            records = [to_wire(one) for one in held.values()]
            return [Snapshot(**whole, part=1, parts=1, records=records, digest=digest(held), nonce=position.nonce)]
        newest = {key: version for version, key, _ in self.log if version > position.version and concerns(key, device)}
        changed = sorted(newest.items(), key=lambda one: one[1])
        pages: list[Page | Snapshot] = []
        previous = position.version
        for start in range(0, max(len(changed), 1), pages_of):
            run = changed[start : start + pages_of]
            version = run[-1][1] if run else last
            pages.append(
                Page(
                    aud=device,
                    history=HISTORY,
                    version=version,
                    previous=previous,
                    records=[to_wire(held[key]) for key, _ in run],
                    digest=digest(held),
                    digest_version=last,
                    nonce=position.nonce,
                )
            )
            previous = version
        return pages

    def _facts(self, change: Change, present: Record | None) -> Facts:
        name_field = NAME_FIELDS.get(change.type)
        name = present.get(name_field) if present is not None and name_field else None
        if change.field == CREATE and isinstance(change.value, dict):
            name = change.value.get(name_field)
        elif change.field == name_field:
            name = change.value
        others = [
            name_key(one.get(name_field))
            for one in self.records.values()
            if name_field and one.key.kind is change.type and one.key != change.key and not one.is_deleted
        ]
        ends = [end in self.records for end in change.key.ends] if change.type in MEMBERSHIPS else []
        return Facts(
            history=HISTORY,
            version=self.version,
            now=self.now,
            is_name_taken=isinstance(name, str) and name_key(name) in others,
            ends_exist=all(ends),
        )

    def _write(self, present: Record | None, after: Record) -> None:
        before = Rights(dict(self.records))
        self.version += 1
        self.records = {**self.records, after.key: after}
        self.log.append((self.version, after.key, str(event_name(present, after))))
        users = [key.id for key in self.records if key.kind is Kind.USER and key != after.key]
        for user in moved_users(before, Rights(self.records), users):
            self.version += 1
            self.log.append((self.version, Key.user(user), "USER_UPDATE"))


@dataclass
class ModelDesktop:
    """What one desktop holds, its queue, and where it is."""

    client_id: str
    position: Position = field(default_factory=lambda: Position(None, 0))
    held: dict[Key, Record] = field(default_factory=dict)
    queue: list[Change] = field(default_factory=list)
    nonces: int = 0
    clock: datetime = START

    def take(self, message: Event | Page | Snapshot) -> bool:
        """Take one message; tell whether the desktop now has to ask."""
        verdict = judge(self.position, message)
        if verdict is Verdict.APPLY:
            records = [message.record] if isinstance(message, Event) else message.records
            kept = {} if isinstance(message, Snapshot) else self.held
            self.held = kept | {one.key: one for one in map(from_wire, records)}
            self.position = Position(message.history, message.version, self.position.nonce)
        if self._is_astray(message):
            self.position = Position(self.position.history, 0, None)
            return True
        return verdict is Verdict.ASK

    def _is_astray(self, message: Event | Page | Snapshot) -> bool:
        if not isinstance(message, Page) or message.history != self.position.history:
            return False
        return message.digest_version == self.position.version and digest(self.held) != message.digest

    def request(self) -> tuple[Position, str | None]:
        """Return where the desktop says it is, with a fresh nonce."""
        self.nonces += 1
        nonce = f"{self.client_id}-{self.nonces}"
        self.position = Position(self.position.history, self.position.version, nonce)
        return self.position, digest(self.held) if self.position.version else None

    def change(self, key: Key, name: str, value: Any, number: int, now: datetime) -> Change:
        """Queue a change of what is shown."""
        self.clock = max(self.clock, now)
        record = shown(self.held, self.queue).get(key)
        made = Change(
            change_id=str(UUID(int=number)),
            type=key.kind,
            id=key.id,
            field=name,
            value=value,
            at=stamp_of_change(record, name, self.clock),
            base=self.position.version,
            history=self.position.history,
            by=f"user:{self.client_id}",
            author=str(UUID(int=2)),
            source=f"desktop:{self.client_id}",
        )
        self.queue.append(made)
        return made

    def answered(self, change_id: str) -> None:
        """Drop an answered change, whatever became of it."""
        self.queue = [one for one in self.queue if one.change_id != change_id]


def was_applied(outcome: Outcome) -> bool:
    return outcome.status is Status.APPLIED


def later(now: datetime, milliseconds: int) -> datetime:
    return now + timedelta(milliseconds=milliseconds)
