"""
The single write path of mirrored records: users, roles, permissions, memberships, settings.

Change, versions, rows in ``change_log`` and ``sync_log``, and the word to the publisher are one transaction, and
all writers wait for each other at the version counter: open ``writing`` before locking any other row. Read next:
``pulse_sync.merge`` (the rules), ``domain.access.authority`` (who may), ``row_mapping`` (the tables).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from pulse_acl.payloads import format_time
from pulse_sync.changes import CREATE, Change, Reason, Status
from pulse_sync.merge import Facts, LogRow, Outcome, merge, refused
from pulse_sync.names import name_key
from pulse_sync.records import DELETED_AT, MEMBERSHIPS, NAME_FIELDS, WEB, Key, Kind, Record, ends
from pulse_sync.rights import Rights
from pulse_sync.values import InvalidValueError, check_key
from pulse_sync.view import audience, event_name, moved_users

from ...db.models import AnsweredChange, ChangeLog, OperatorKey, RecordVersion, SyncLog
from ..access.authority import judge, may_touch
from .actor import Actor
from .known_state import KnownState
from .refusals import refusal_of
from .row_mapping import MODELS, fill_row, find_row, new_row

__all__ = ["CHANNEL", "Actor", "RecordEvent", "RecordWriter", "writing"]
CHANNEL = "pulse_sync"
_NOTIFY = text("SELECT pg_notify(:channel, :version)")


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """
    What happened to one record at one version; ``event`` as in the sync's topics (``USER_UPDATE``).

    A user who enters or leaves the devices' view without being changed has an event with ``before == after``.
    """

    version: int
    event: str
    key: Key
    before: Record | None
    after: Record


class RecordWriter:
    """Writes of one transaction; made by ``writing``. ``events``: what was written so far, in order."""

    def __init__(self, session: AsyncSession, actor: Actor, now: datetime, *, history: str, version: int) -> None:
        self._session, self._actor, self._now = session, actor, now
        self._known = KnownState(session)
        self.history, self.version = history, version
        self.events: list[RecordEvent] = []

    async def read(self, key: Key) -> Record | None:
        """Return the record as it is now, tombstones included."""
        return await self._known.read(_checked(key))

    async def create(self, kind: Kind, values: Mapping[str, Any], record_id: UUID | None = None) -> RecordEvent:
        """
        Add a user, role or permission with all of its *values*.

        Raises:
            RefusalError: One of its kinds: a name is taken, a value invalid, the actor not allowed.
        """
        key = Key(kind, str(record_id or uuid7()))
        event = await self._edit(key, {CREATE: dict(values)})
        assert event is not None
        return event

    async def edit(self, key: Key, values: Mapping[str, Any]) -> RecordEvent | None:
        """
        Set fields of a record as one event; memberships and settings are made when missing.

        Returns:
            The event, or ``None`` when nothing changes.

        Raises:
            RefusalError: One of its kinds: no such record, a name is taken, a value invalid, the actor not allowed.
        """
        present = await self._known.read(_checked(key))
        changed = {name: value for name, value in values.items() if _differs(present, name, value)}
        return await self._edit(key, changed) if changed else None

    async def delete(self, key: Key) -> RecordEvent | None:
        """Make a tombstone of a record; ``None`` when it is one. Raises as ``edit`` does."""
        present = await self._known.read(_checked(key))
        if present is not None and present.is_deleted:
            return None
        return await self._edit(key, {DELETED_AT: format_time(self._now)})

    async def restore(self, key: Key) -> RecordEvent | None:
        """Take a tombstone back; ``None`` when it is none. Raises as ``edit`` does."""
        return await self.edit(key, {DELETED_AT: None})

    async def merge_change(self, change: Change) -> tuple[Outcome, RecordEvent | None]:
        """
        Merge a desktop's change: judge, write, log. Refusals and conflicts are outcomes here, not errors.

        Args:
            change: Its author is the actor, and its signatures were checked.
        """
        outcome = await self._judged(change)
        event = None
        if outcome.record is not None:
            before = await self._known.read(change.key)
            event = await self._write(before, outcome.record, [change.field], change.change_id)
        for row in outcome.log:
            self._log(change.key, row, change.change_id)
        await self._session.flush()
        return outcome, event

    def act_as(self, actor: Actor) -> None:
        """Write as *actor* from now on: who sent a change is known only after the lock was taken."""
        self._actor = actor

    async def finish(self) -> None:
        """Add the events of those who enter or leave the devices' view, store the version, wake the publisher."""
        for user in await self._moved():
            record = await self._known.read(Key.user(user))
            assert record is not None
            self._append(RecordEvent(self.version + 1, "USER_UPDATE", record.key, record, record), [])
        if self.events:
            await self._session.flush()
            await self._session.execute(update(RecordVersion).values(version=self.version))
            await self._session.execute(_NOTIFY, {"channel": CHANNEL, "version": str(self.version)})

    async def _edit(self, key: Key, values: Mapping[str, Any]) -> RecordEvent | None:
        """Change several fields by the same rules as desktops' changes, endings last, but all of them or none."""
        before = record = await self._known.read(key)
        rows: list[LogRow] = []
        for name, value in sorted(values.items(), key=lambda one: ends(key.kind, *one)):
            change = self._change(key, name, value, record)
            outcome = merge(record, change, await self._facts(change))
            if outcome.status is not Status.APPLIED:
                raise refusal_of(outcome.reason, outcome.message)
            rows += outcome.log
            record = outcome.record or record
        if record is None or record is before:
            return None
        await self._require_allowed(before, record)
        event = await self._write(before, record, list(values))
        for row in rows:
            self._log(key, row, None)
        await self._session.flush()
        return event

    def _change(self, key: Key, name: str, value: Any, record: Record | None) -> Change:
        """Return a change by somebody who sees the newest state, stamped later than what it replaces."""
        seen = [stamp.at for stamp in record.clock.values()] if record is not None else []
        return Change(
            change_id=str(uuid7()),
            type=key.kind,
            id=key.id,
            field=name,
            value=value,
            at=max([format_time(self._now), *seen]),  # a tie goes to the web
            base=self.version,
            history=self.history,
            by=self._actor.by,
            author=self._actor.user_id or "system",
            source=WEB,
        )

    async def _judged(self, change: Change) -> Outcome:
        """Merge, but let nothing through that the author may not do."""
        change = msgspec.structs.replace(change, by=self._actor.by, source=self._actor.source)
        try:
            check_key(change.key)
        except InvalidValueError as error:
            return refused(change, error.reason, str(error))
        facts = await self._facts(change)
        if facts.creation_refused:
            return refused(change, Reason.RECORD_REFUSED, "The record that it belongs to was refused.")
        author = change.author
        await self._known.load_rbac()
        await self._known.load_users([author])
        rights = Rights(self._known.records)
        if not rights.may_sign_in(author):
            return refused(change, Reason.NOT_ALLOWED, "The person may not sign in on desktops.")
        refusal = may_touch(author, change.key, change.field, rights.of_user(author))
        if refusal is not None:
            return refused(change, refusal.reason, refusal.message)
        present = await self._known.read(change.key)
        outcome = merge(present, change, facts)
        if outcome.record is not None:
            await self._load_for_judging(author, change.key)
            refusal = judge(author, present, outcome.record, self._known.records)
            if refusal is not None:
                return refused(change, refusal.reason, refusal.message, present)
        return outcome

    async def _require_allowed(self, before: Record | None, after: Record) -> None:
        author = self._actor.user_id
        if author is None:
            return
        await self._load_for_judging(author, after.key)
        refusal = judge(author, before, after, self._known.records)
        if refusal is not None:
            raise refusal_of(refusal.reason, refusal.message)

    async def _load_for_judging(self, author: str, key: Key) -> None:
        await self._known.load_administrators()
        await self._known.load_users([author, *_users_of(key)])

    async def _facts(self, change: Change) -> Facts:
        key = change.key
        joined = list(key.ends) if key.kind in MEMBERSHIPS else []
        exists = None not in [await self._known.read(end) for end in joined]
        is_unknown = await self._known.read(key) is None and change.field != CREATE and not (joined and exists)
        return Facts(
            history=self.history,
            version=self.version,
            now=self._now,
            is_name_taken=await self._is_name_taken(change),
            ends_exist=exists,
            creation_refused=is_unknown and await self._was_refused([key, *joined]),
        )

    async def _is_name_taken(self, change: Change) -> bool:
        field = NAME_FIELDS.get(change.type)
        if field is None or change.field not in {field, CREATE, DELETED_AT}:
            return False
        name = change.value
        if change.field == CREATE:
            name = change.value.get(field) if isinstance(change.value, dict) else None
        elif change.field == DELETED_AT:
            present = await self._known.read(change.key)
            name = present.get(field) if present is not None else None
        if not isinstance(name, str) or "\0" in name:
            return False
        model: Any = MODELS[change.type]
        column = getattr(model, f"{field}_key")
        found = select(model.id).where(
            column == name_key(name), model.deleted_at.is_(None), model.id != UUID(change.id)
        )
        return await self._session.scalar(found.limit(1)) is not None

    async def _was_refused(self, keys: list[Key]) -> bool:
        made = AnsweredChange.answer["created"].astext
        found = select(AnsweredChange.change_id).where(
            AnsweredChange.client_id == self._actor.device,
            AnsweredChange.answer["status"].astext == Status.REFUSED,
            made.in_([f"{key.kind}:{key.id}" for key in keys]),
        )
        return await self._session.scalar(found.limit(1)) is not None

    async def _write(
        self, before: Record | None, after: Record, names: list[str], change_id: str | None = None
    ) -> RecordEvent:
        row = await find_row(self._session, after.key)
        if row is None:
            row = new_row(after.key, self._now)
            fill_row(row, after)
            self._session.add(row)
        else:
            fill_row(row, after)
        self._known.wrote(before, after)
        event = RecordEvent(self.version + 1, str(event_name(before, after)), after.key, before, after)
        self._append(event, names, change_id)
        await self._session.flush()
        await self._end_operator_keys(event)
        return event

    def _append(self, event: RecordEvent, names: list[str], change_id: str | None = None) -> None:
        self.version = event.version
        self.events.append(event)
        self._session.add(
            ChangeLog(
                version=event.version,
                history=UUID(self.history),
                event=event.event,
                record_type=str(event.key.kind),
                record_id=event.key.id,
                record={"changed": names},
                audience=audience(event.key),
                at=self._now,
                by=self._actor.by,
                source=self._actor.source,
                change_id=UUID(change_id) if change_id else None,
            )
        )

    def _log(self, key: Key, row: LogRow, change_id: str | None) -> None:
        self._session.add(
            SyncLog(
                entity_type=str(key.kind),
                entity_id=key.id,
                action=row.action,
                source=self._actor.source,
                status=str(row.status),
                timestamp=self._now,
                error_message=f"{row.reason}: {row.message}" if row.reason else (row.message or None),
                old_value=row.old_value,
                new_value=row.new_value,
                change_id=UUID(change_id) if change_id else None,
                by=self._actor.by,
            )
        )

    async def _end_operator_keys(self, event: RecordEvent) -> None:
        """A new password or an ended account ends the person's keys; one's own change keeps the key of that desktop."""
        before, after = event.before, event.after
        if event.key.kind is not Kind.USER or before is None:
            return
        has_new_password = before.get("password_hash") != after.get("password_hash")
        if not has_new_password and not after.is_ended:
            return
        user_id = UUID(event.key.id)
        live = update(OperatorKey).where(OperatorKey.user_id == user_id, OperatorKey.ended_at.is_(None))
        if self._actor.user_id == event.key.id and self._actor.device and not after.is_ended:
            live = live.where(OperatorKey.client_id != self._actor.device)
        await self._session.execute(live.values(ended_at=self._now))

    async def _moved(self) -> list[str]:
        """Return the users who enter or leave the devices' view and have no event of their own here."""
        users = {user for event in self.events for user in _users_of(event.key)}
        if not self.events or all(event.key.kind is Kind.SETTING for event in self.events):
            return []
        await self._known.load_rbac()
        if any(event.key.kind not in {Kind.USER, Kind.USER_ROLE, Kind.SETTING} for event in self.events):
            roles = Rights(self._known.before).login_roles ^ Rights(self._known.records).login_roles
            users.update(await self._known.members_of(roles))
        await self._known.load_users(users)
        told = {event.key.id for event in self.events if event.key.kind is Kind.USER}
        moved = moved_users(Rights(self._known.before), Rights(self._known.records), users)
        return [user for user in moved if user not in told]


@contextlib.asynccontextmanager
async def writing(session: AsyncSession, actor: Actor, now: datetime) -> AsyncIterator[RecordWriter]:
    """
    Hold the version counter for the rest of the transaction and give the writer; see the module.

    Args:
        session: A session inside a transaction.
        actor: Who changes; ``Actor.SYSTEM`` is judged by nobody.
        now: The server's time.
    """
    counter = select(RecordVersion.history, RecordVersion.version).with_for_update()
    history, version = (await session.execute(counter)).one()
    writer = RecordWriter(session, actor, now, history=str(history), version=version)
    yield writer
    await writer.finish()


def _checked(key: Key) -> Key:
    try:
        check_key(key)
    except InvalidValueError as error:
        raise refusal_of(error.reason, str(error)) from error
    return key


def _differs(present: Record | None, name: str, value: Any) -> bool:
    if present is None:
        return True
    if name == "config_value" and present.is_deleted:
        return True
    current = present.fields.get(name, ...)
    return current is ... or type(current) is not type(value) or current != value


def _users_of(key: Key) -> list[str]:
    if key.kind is Kind.USER:
        return [key.id]
    return [key.pair[0]] if key.kind is Kind.USER_ROLE else []
