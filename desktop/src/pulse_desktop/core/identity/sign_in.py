"""
Signing in on the device: online the server decides, offline the mirrored Argon2id hash does.

Offline it is possible within ``offline_login_days`` of the last contact. An unknown name gets the same answer as a
wrong password, after the same work. Nothing here touches anything but sign-in. Source: the identity document, "Signing
in on the desktop". Read next: ``lockout``, ``operator_keys``.
"""

from __future__ import annotations

import base64
import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission
from pulse_sync.records import Key, Kind, Record

from ..clock import Clock
from ..errors import SignInError
from ..sync.corrected_time import CorrectedTime, NeverMetError
from ..sync.holdings import read_holdings
from ..sync.store import SyncStore
from . import sessions
from .freshness import require_fresh
from .lockout import Lockout
from .online import ApiUnreachableError, Online, Person, RefusalError
from .operator_keys import OperatorKeys, public_jwk
from .sessions import SignedIn

log = structlog.get_logger()
REFUSED = "the name or the password is wrong"
_REFUSALS = frozenset({400, 401, 403, 409, 422, 429})


@dataclass(frozen=True, slots=True)
class Welcome:
    """A successful sign-in; ``notice``: why nothing can be changed here, empty when it can."""

    who: SignedIn
    last_checked: datetime | None
    notice: str = ""


class AwayError(SignInError):
    """The server is needed for this, and it is not there."""


class SignIn:
    """Signing in on the device *client_id* with the file *db*."""

    def __init__(self, db: sqlite3.Connection, client_id: str, online: Online, clock: Clock) -> None:
        self._db, self._id, self._online, self._clock = db, client_id, online, clock
        self._time, self._keys, self._lockout = CorrectedTime(db, clock), OperatorKeys(db), Lockout(db)

    def sign_in(self, username: str, password: str) -> Welcome:
        """
        Let the server decide, or the cache when the server is not there.

        Raises:
            SignInError: Not signed in; ``LockedError`` when it has to wait.
        """
        try:
            person = self._online.sign_in(username, password)
        except RefusalError as refusal:
            if refusal.status in _REFUSALS:
                raise SignInError(refusal.detail.rstrip(".")) from refusal
            return self._from_cache(username, password)
        except ApiUnreachableError:
            return self._from_cache(username, password)
        return self._welcome(person, password)

    def change_password(self, username: str, current: str, new: str) -> Welcome:
        """
        Change one's own password at the server, which ends every signing key, and make a new one here.

        Raises:
            SignInError: Not changed; the sentence says why. ``AwayError`` when the server is not there.
        """
        try:
            person = self._online.change_password(self._online.sign_in(username, current), current, new)
        except RefusalError as refusal:
            raise SignInError(refusal.detail.rstrip(".")) from refusal
        except ApiUnreachableError as error:
            raise AwayError(f"a password can be changed only while the server is there: {error}") from error
        return self._welcome(person, new)

    def _welcome(self, person: Person, password: str) -> Welcome:
        if Permission.DESKTOP_LOGIN not in person.permissions:
            raise SignInError(f"{person.username} may not sign in on desktops")
        now = self._now()
        hash_at = self._hash_at(person.user_id, password)
        who = SignedIn(person.user_id, person.username, format_time(now), is_from_cache=False, hash_at=hash_at)
        sessions.begin(self._db, who)
        self._lockout.succeeded(person.username)
        SyncStore(self._db).note(ask_wanted=1)
        notice = self._ensure_key(person, password, hash_at)
        self._sign_out(person)
        return Welcome(who, self._time.last_contact(), notice)

    def _ensure_key(self, person: Person, password: str, hash_at: str | None) -> str:
        """Make and register a key where there is none that *password* opens; return why that was not possible."""
        if person.must_change_password:
            return (
                "nothing can be changed here before the password is: use `pulse-desktop password`, or Change password "
                "under your name in the window"
            )
        try:
            self._keys.opened(person.user_id, password)
        except SignInError:
            key = Ed25519PrivateKey.generate()
            try:
                self._online.register_key(person, public_jwk(key))
            except (RefusalError, ApiUnreachableError) as error:
                reason = error.detail if isinstance(error, RefusalError) else str(error)
                return f"nothing can be changed here: no signing key was registered ({reason})"
            self._keys.keep(person.user_id, key, password, hash_at, self._now())
        return ""

    def _sign_out(self, person: Person) -> None:
        try:
            self._online.sign_out(person)
        except (RefusalError, ApiUnreachableError) as error:
            log.info("desktop.session_left_open", reason=str(error))

    def _hash_at(self, user_id: str, password: str) -> str | None:
        """Return the stamp of the mirrored hash if it is of this password; else that hash is older than the answer."""
        record = read_holdings(self._db).records.get(Key.user(user_id))
        if record is None or not matches(record.get("password_hash"), password):
            return None
        return _stamp(record)

    def _from_cache(self, username: str, password: str) -> Welcome:
        try:
            now = self._time.now()
        except NeverMetError as error:
            raise SignInError(f"the server is not there, and {error}") from error
        require_fresh(self._db, self._id, self._time, now)
        self._lockout.begin(username, now, self._clock.monotonic())
        holdings = read_holdings(self._db)
        user = holdings.named(Kind.USER, username)
        is_right = matches(user.get("password_hash") if user is not None else None, password)
        if user is None or not is_right or not holdings.rights.may_sign_in(user.key.id):
            raise SignInError(REFUSED)
        self._lockout.succeeded(username)
        who = SignedIn(user.key.id, user.get("username"), format_time(now), is_from_cache=True, hash_at=_stamp(user))
        sessions.begin(self._db, who)
        return Welcome(who, self._time.last_contact(), self._key_notice(user.key.id))

    def _key_notice(self, user_id: str) -> str:
        found = self._keys.find(user_id)
        if found is None:
            return "nothing can be changed here: sign in once while the server is there"
        return f"nothing can be changed here: {found.ended_why}" if found.ended_why else ""

    def _now(self) -> datetime:
        try:
            return self._time.now()
        except NeverMetError:
            return self._clock.now()


def matches(stored: str | None, password: str) -> bool:
    """Tell whether *password* belongs to the hash *stored*; without one the work is the same and the answer no."""
    try:
        return PasswordHasher().verify(stored or _nobodys(), password) and stored is not None
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _nobodys() -> str:
    """Return a hash with the server's parameters that no password has."""
    setting = RFC_9106_LOW_MEMORY
    salt, digest = (base64.b64encode(os.urandom(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={setting.memory_cost},t={setting.time_cost},p={setting.parallelism}${salt}${digest}"


def _stamp(user: Record) -> str:
    stamp = user.clock.get("password_hash")
    return stamp.at if stamp is not None else ""
