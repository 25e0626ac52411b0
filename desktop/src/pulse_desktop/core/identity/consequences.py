"""
What follows for sign-ins and signing keys on this device when the records change.

A sign-in ends when its account is gone, may not sign in on desktops, or has another password; so does a signing key,
whose private half is erased. Called by the sync after records have changed. Source: the identity document, "Signing in
on the desktop". Read next: ``sessions``, ``operator_keys``.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable

import msgspec
import structlog

from pulse_acl.payloads import format_time
from pulse_sync.records import Key

from ..clock import Clock
from ..sync.corrected_time import CorrectedTime, NeverMetError
from ..sync.holdings import Holdings
from . import sessions
from .operator_keys import OperatorKey, OperatorKeys

log = structlog.get_logger()
GONE = "the account is gone, is deactivated, or may not sign in on desktops"
OTHER_PASSWORD = "the password was changed"  # noqa: S105 - a sentence


class Consequences:
    """Ends what has lost its ground on one device."""

    def __init__(self, db: sqlite3.Connection, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._keys, self._time = OperatorKeys(db), CorrectedTime(db, clock)

    def draw(self, read: Callable[[], Holdings]) -> None:
        """Look at the sign-in and at every key; *read*: what is shown now, asked only when there is one."""
        one, keys = sessions.latest(self._db), self._keys.live()
        is_signed_in = one is not None and one.ended_at is None
        if not is_signed_in and not keys:
            return
        holdings = read()
        if holdings.position.history is None:
            return
        for key in keys:
            self._check_key(key, holdings)
        if one is not None and is_signed_in:
            self._check_sign_in(one, holdings)

    def key_ended(self, user_id: str, signed: str) -> None:
        """Take the server's word that the key behind the signature *signed* has ended."""
        found = self._keys.find(user_id)
        if found is not None and found.kid == _kid(signed):
            self._end_key(user_id, "the server has ended it")

    def _check_key(self, key: OperatorKey, holdings: Holdings) -> None:
        found = _hash_at(holdings, key.user_id)
        why = self._lost_ground(key.hash_at, found, key.made_at)
        if why:
            self._end_key(key.user_id, why)
        elif key.hash_at is None and found is not None and self._was_checked_since(key.made_at):
            self._keys.note_hash(key.user_id, found)

    def _check_sign_in(self, one: sessions.SignedIn, holdings: Holdings) -> None:
        found = _hash_at(holdings, one.user_id)
        why = self._lost_ground(one.hash_at, found, one.at)
        if why:
            self._end_sign_in(one, why)
        elif one.hash_at is None and found is not None and self._was_checked_since(one.at):
            sessions.note_hash(self._db, found)

    def _lost_ground(self, stood_on: str | None, found: str | None, since: str) -> str:
        """
        Say why something that stood on the hash *stood_on* ends, now that *found* is shown; empty: it does not.

        What stands on the server's word alone (``None``) is judged at the first contact *since* then.
        """
        if stood_on is None:
            return GONE if found is None and self._was_checked_since(since) else ""
        if found is None:
            return GONE
        return "" if found == stood_on else OTHER_PASSWORD

    def _was_checked_since(self, since: str) -> bool:
        contact = self._time.last_contact()
        if contact is None:
            return False
        # What is stamped in the future was stamped before the first contact, by a clock that was ahead.
        return format_time(contact) > since or since > format_time(self._time.now())

    def _end_sign_in(self, one: sessions.SignedIn, why: str) -> None:
        try:
            now = self._time.now()
        except NeverMetError:
            now = self._clock.now()
        sessions.end(self._db, now, why)
        log.warning("desktop.sign_in_ended", user_id=one.user_id, reason=why)

    def _end_key(self, user_id: str, why: str) -> None:
        self._keys.end(user_id, why)
        log.warning("desktop.signing_key_ended", user_id=user_id, reason=why)


def _hash_at(holdings: Holdings, user_id: str) -> str | None:
    """Return the stamp of the password hash that is shown for a user who may sign in."""
    user = holdings.records.get(Key.user(user_id))
    if user is None or not holdings.rights.may_sign_in(user_id) or user.get("password_hash") is None:
        return None
    stamp = user.clock.get("password_hash")
    return stamp.at if stamp is not None else ""


def _kid(signed: str) -> object:
    head = signed.partition(".")[0]
    return msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("kid")
