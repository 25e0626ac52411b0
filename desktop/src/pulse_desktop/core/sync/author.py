"""
Changes that the signed-in person makes on this device: checked, signed by the person, queued.

What is certain to be refused is refused here, with the server's sentences; the server decides all else. Read next:
``change_queue``, ``pulse_sync.changes``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_sync.changes import CREATE, Change
from pulse_sync.envelopes import sign_change
from pulse_sync.records import DELETED_AT, NAME_FIELDS, Key, Kind, Record
from pulse_sync.replica import stamp_of_change
from pulse_sync.rights import NEEDED
from pulse_sync.values import InvalidValueError, check_key, check_value, complete

from ..clock import Clock
from ..errors import ChangeError
from ..streams import new_stream
from .change_queue import ChangeQueue
from .corrected_time import CorrectedTime, NeverMetError
from .holdings import Holdings, read_holdings
from .keys import private_key
from .schema import writing


class Author:
    """A person who changes records on the device *client_id*, with the signing key that the password has opened."""

    def __init__(
        self,
        db: sqlite3.Connection,
        client_id: str,
        clock: Clock,
        *,
        user_id: str,
        username: str,
        key: Ed25519PrivateKey,
    ) -> None:
        self._db, self._id, self._time, self._queue = db, client_id, CorrectedTime(db, clock), ChangeQueue(db)
        self._user_id, self._by = user_id, f"user:{username}"
        self._key = private_key(key)

    def create(self, kind: Kind, fields: Mapping[str, Any]) -> Key:
        """
        Make a user, role or permission of *fields* and return its key.

        Raises:
            ChangeError: It would be refused.
        """
        key = Key(kind, new_stream())
        self._change(key, CREATE, dict(fields))
        return key

    def edit(self, key: Key, field: str, value: Any) -> Change:
        """
        Change one field; memberships and settings are made by that, too.

        Raises:
            ChangeError: It would be refused.
        """
        return self._change(key, field, value)

    def delete(self, key: Key) -> Change:
        """
        Leave a tombstone.

        Raises:
            ChangeError: It would be refused.
        """
        return self._change(key, DELETED_AT, ...)

    def _change(self, key: Key, field: str, value: Any) -> Change:
        with writing(self._db):
            holdings = read_holdings(self._db)
            present = holdings.records.get(key)
            self._require(holdings, key, field)
            at = self._at(holdings, present, field)
            change = Change(
                change_id=new_stream(),
                type=key.kind,
                id=key.id,
                field=field,
                value=at if value is ... else value,
                at=at,
                base=holdings.position.version,
                history=holdings.position.history,
                by=self._by,
                author=self._user_id,
                source=f"desktop:{self._id}",
            )
            _check(holdings, present, change)
            self._queue.append(change, sign_change(change, self._key), present)
        return change

    def _at(self, holdings: Holdings, present: Record | None, field: str) -> str:
        if holdings.position.history is None:
            raise ChangeError("this desktop has not received the records yet, so nothing can be changed here")
        try:
            return stamp_of_change(present, field, self._time.now())
        except NeverMetError as error:
            raise ChangeError(f"nothing can be changed here: {error}") from error

    def _require(self, holdings: Holdings, key: Key, field: str) -> None:
        is_own_password = key == Key.user(self._user_id) and field == "password_hash"
        held = holdings.rights.of_user(self._user_id).permissions
        if not is_own_password and NEEDED[key.kind] not in held:
            raise ChangeError(f"that needs the permission {NEEDED[key.kind]}")


def _check(holdings: Holdings, present: Record | None, change: Change) -> None:
    """Refuse what no server takes."""
    try:
        check_key(change.key)
        if change.field == CREATE:
            complete(change.key, change.value)
        else:
            check_value(change.key, change.field, change.value)
    except InvalidValueError as error:
        raise ChangeError(str(error).rstrip(".")) from error
    is_made_by_field = change.field in {"present", "config_value"}
    if present is None and change.field != CREATE and not is_made_by_field:
        raise ChangeError("there is no such record")
    name = _claimed_name(present, change)
    taken = holdings.named(change.type, name) if name is not None else None
    if taken is not None and taken.key != change.key:
        raise ChangeError(f"another {change.type} has the name {name}")


def _claimed_name(present: Record | None, change: Change) -> str | None:
    """Return the name that the record would have after a change that claims one."""
    field = NAME_FIELDS.get(change.type)
    if field is None:
        return None
    if change.field == CREATE:
        return str(change.value.get(field))
    if change.field == field:
        return str(change.value)
    if change.field == DELETED_AT and change.value is None and present is not None:
        return str(present.get(field))
    return None
