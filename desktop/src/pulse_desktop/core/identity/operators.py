"""
From the signed-in person and the password to somebody who may sign changes. Read next: ``sync.author``.

A wrong password counts as a failed sign-in, so that guessing it here is no way around the lock.
"""

from __future__ import annotations

import sqlite3

from argon2 import PasswordHasher

from pulse_sync.records import Key

from ..clock import Clock
from ..errors import ChangeError
from ..sync.author import Author
from ..sync.corrected_time import CorrectedTime, NeverMetError
from ..sync.schema import writing
from . import sessions
from .freshness import require_fresh
from .lockout import Lockout
from .operator_keys import OperatorKeys

MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 10, 256


def author(db: sqlite3.Connection, client_id: str, clock: Clock, password: str) -> Author:
    """
    Return the signed-in person as an author.

    Raises:
        SignInError: Nobody is signed in, the password is wrong, there is no valid key here, or the last contact is
            too long ago.
        ChangeError: The device has never met its server.
    """
    who = sessions.current(db)
    lockout, keys = Lockout(db), OperatorKeys(db)
    keys.usable(who.user_id)
    time = CorrectedTime(db, clock)
    try:
        now = time.now()
    except NeverMetError as error:
        raise ChangeError(f"nothing can be changed here: {error}") from error
    require_fresh(db, client_id, time, now)
    lockout.begin(who.username, now, clock.monotonic())
    key = keys.opened(who.user_id, password)
    lockout.succeeded(who.username)
    return Author(db, client_id, clock, user_id=who.user_id, username=who.username, key=key)


def set_password(db: sqlite3.Connection, clock: Clock, by: Author, user: Key, *, password: str, own: str) -> None:
    """
    Give *user* a new password; one's own (*own*: the present one) takes the signing key here along.

    Raises:
        ChangeError: It would be refused.
    """
    hashed = hashed_password(password)
    who = sessions.current(db)
    with writing(db):
        change = by.edit(user, "password_hash", hashed)
        if user == Key.user(who.user_id):
            keys = OperatorKeys(db)
            keys.keep(who.user_id, keys.opened(who.user_id, own), password, change.at, CorrectedTime(db, clock).now())
            sessions.note_hash(db, change.at)


def hashed_password(password: str) -> str:
    """
    Return the Argon2id hash of a new *password*.

    Raises:
        ChangeError: Too short or too long.
    """
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise ChangeError(f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters")
    try:
        return PasswordHasher().hash(password)
    except UnicodeEncodeError as error:
        raise ChangeError("the password has a character that cannot be stored") from error
