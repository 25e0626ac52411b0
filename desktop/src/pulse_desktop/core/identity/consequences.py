"""
What follows for sign-ins and signing keys on this device when the records change.

A sign-in ends when its account is gone, may not sign in on desktops, or has another password; so does a signing key,
whose private half is erased. Called by the sync after records have changed. Source: the identity document, "Signing in
on the desktop". Read next: ``sessions``, ``operator_keys``.
"""

from __future__ import annotations

import base64
import sqlite3

import msgspec
import structlog

from pulse_acl.payloads import format_time
from pulse_sync.records import Key

from ..clock import Clock
from ..sync.corrected_time import CorrectedTime, NeverMetError
from ..sync.holdings import Holdings, read_holdings
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

    def draw(self) -> None:
        """Look at the sign-in and at every key."""
        one, keys = sessions.latest(self._db), self._keys.live()
        is_signed_in = one is not None and one.ended_at is None
        if not is_signed_in and not keys:
            return
        holdings = read_holdings(self._db)
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
        hash_at = _hash_at(holdings, key.user_id)
        if hash_at is None:
            if key.hash_at is not None:
                self._end_key(key.user_id, GONE)
        elif key.hash_at is None:
            self._keys.note_hash(key.user_id, hash_at)
        elif key.hash_at != hash_at:
            self._end_key(key.user_id, OTHER_PASSWORD)

    def _check_sign_in(self, one: sessions.SignedIn, holdings: Holdings) -> None:
        is_allowed = holdings.rights.may_sign_in(one.user_id)
        hash_at = _hash_at(holdings, one.user_id)
        if one.hash_at is not None:
            if not is_allowed:
                self._end_sign_in(one, GONE)
            elif hash_at != one.hash_at:
                self._end_sign_in(one, OTHER_PASSWORD)
        elif self._was_checked_since(one):
            if is_allowed and hash_at is not None:
                sessions.note_hash(self._db, hash_at)
            else:
                self._end_sign_in(one, GONE)

    def _was_checked_since(self, one: sessions.SignedIn) -> bool:
        contact = self._time.last_contact()
        return contact is not None and format_time(contact) > one.at

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
