"""
What a signed-in person does on this device: sign in and out, sync now, change records, settings and addresses.

The refusals are here, so that a window that shows too much changes nothing. Every call opens ``identity.db`` for
itself, may take seconds (Argon2id, the network), and belongs in a thread that may wait. Read next:
``identity.sign_in``, ``sync.author``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission
from pulse_runtime.environment import checked_url
from pulse_runtime.errors import ConfigError
from pulse_sync.records import Key
from pulse_sync.settings import KNOWN

from .clock import Clock
from .errors import ChangeError, SignInError
from .folder import DeviceFolder
from .identity import sessions, store
from .identity.online import Online
from .identity.operators import author, hashed_password, set_password
from .identity.sessions import SignedIn
from .identity.sign_in import AwayError, SignIn, Welcome
from .people.changes import make_person
from .people.directory import Directory, directory
from .people.review import Outcome, found, outcome, repeat
from .settings_shown import SettingShown, change_settings, setting_shown
from .sources.base import SourceConfigError
from .sources.plan import read_entries, write_plan
from .sync.author import Author
from .sync.change_queue import ChangeQueue, Reviewed
from .sync.corrected_time import CorrectedTime
from .sync.holdings import Holdings, read_holdings
from .sync.schema import FILE_NAME, open_identity, writing
from .sync.store import SyncStore

OF_PEOPLE = (Permission.MANAGE_USERS, Permission.MANAGE_ROLES)  # what people and their rights are seen with
CHANGING = (*OF_PEOPLE, Permission.EDIT_CONFIG)  # what records are changed with
MOST_CONFLICTS = 500


@dataclass(frozen=True, slots=True)
class Operator:
    """
    Who is signed in; ``None`` as ``who``: nobody. ``ended``: why the last sign-in has ended, empty otherwise.

    ``last_checked``: the last contact with the server, RFC 3339 text; ``to_review``: changes made here that were not
    applied, for somebody who may change records.
    """

    who: SignedIn | None = None
    permissions: frozenset[str] = frozenset()
    last_checked: str | None = None
    ended: str = ""
    to_review: int = 0

    def may(self, permission: Permission) -> bool:
        """Tell whether the person holds *permission*."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class People:
    """
    What those who change records see.

    ``mark``: another one whenever something of it has changed; ``waiting``: changes without an answer; ``reviews``:
    what was not applied, oldest first; ``conflicts``: with both values, newest first.
    """

    mark: tuple[Any, ...]
    directory: Directory
    waiting: int = 0
    reviews: tuple[Outcome, ...] = ()
    conflicts: tuple[Outcome, ...] = ()


class Operation:
    """The operator's side of the device in *folder*; every method may raise ``StorageError``."""

    def __init__(self, folder: DeviceFolder, identity: store.Identity, clock: Clock, flush: Callable[[], None]) -> None:
        """*flush*: send what is held now."""
        self._folder, self._identity, self._clock, self._flush = folder, identity, clock, flush

    @property
    def client_id(self) -> str:
        """The device."""
        return self._folder.client_id

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = open_identity(self._folder.path / FILE_NAME)
        try:
            yield db
        finally:
            db.close()

    def operator(self) -> Operator:
        """Return who is signed in, and what the records here say of that person's rights."""
        with self._open() as db:
            contact = CorrectedTime(db, self._clock).last_contact()
            checked = format_time(contact) if contact is not None else None
            try:
                who = sessions.current(db)
            except SignInError as error:
                latest = sessions.latest(db)
                has_ended = latest is not None and latest.ended_why
                return Operator(None, last_checked=checked, ended=str(error) if has_ended else "")
            held = read_holdings(db).rights.of_user(who.user_id).permissions
            to_review = len(ChangeQueue(db).reviews()) if held & set(CHANGING) else 0
            return Operator(who, held, checked, to_review=to_review)

    def sign_in(self, username: str, password: str) -> Welcome:
        """
        Sign in, online or from the cache.

        Raises:
            SignInError: Not signed in; the sentence says why.
        """
        with self._open() as db:
            return SignIn(db, self.client_id, Online(self._identity), self._clock).sign_in(username, password)

    def change_password(self, username: str, current: str, new: str) -> Welcome:
        """
        Change one's own password at the server, and be signed in with it.

        Raises:
            SignInError: Not changed; the sentence says why.
        """
        with self._open() as db:
            desk = SignIn(db, self.client_id, Online(self._identity), self._clock)
            return desk.change_password(username, current, new)

    def change_own_password(self, current: str, new: str) -> Welcome | None:
        """
        Change the signed-in person's password at the server; while that is away, here, and it follows.

        Returns:
            The sign-in with the new password, or ``None`` when the change waits for the server.

        Raises:
            SignInError, ChangeError: Not changed; the sentence says why.
        """
        with self._open() as db:
            who = sessions.current(db)
            try:
                desk = SignIn(db, self.client_id, Online(self._identity), self._clock)
                return desk.change_password(who.username, current, new)
            except AwayError:
                by = author(db, self.client_id, self._clock, current)
                set_password(db, self._clock, by, Key.user(who.user_id), password=new, own=current)
                return None

    def sign_out(self) -> None:
        """Sign out on this device."""
        with self._open() as db:
            sessions.end(db, self._clock.now())

    def sync_now(self) -> None:
        """
        Send what is held and ask for what was missed.

        Raises:
            SignInError: Nobody is signed in, or without the permission ``FORCE_SYNC``.
        """
        with self._open() as db:
            require(db, Permission.FORCE_SYNC)
            SyncStore(db).note(ask_wanted=1)
        self._flush()

    def holdings(self) -> Holdings:
        """Return the records as this device shows them."""
        with self._open() as db:
            return read_holdings(db)

    def settings(self) -> list[SettingShown]:
        """Return every setting that devices know as it is in force here, and where it comes from."""
        shown = self.holdings()
        return [setting_shown(shown, key, self.client_id) for key in KNOWN]

    def change(self, password: str, work: Callable[[Author, Holdings], None]) -> None:
        """
        Let the signed-in person, who gives the *password* again, make changes: all that *work* makes, or none.

        Raises:
            SignInError: The password is wrong, or the person may not change records here.
            ChangeError: A change would be refused.
        """
        with self._open() as db:
            by = author(db, self.client_id, self._clock, password)
            with writing(db):
                work(by, read_holdings(db))

    def set_settings(self, password: str, values: Mapping[str, Any], seen: Iterable[SettingShown]) -> None:
        """
        Set *values* (``None``: remove what is set) for this device; *seen*: the settings as the person looked at them.

        Raises:
            SignInError, ChangeError: Nothing was set; the sentence says why: the bounds of the setting, or that it is
                not as it was seen.
        """
        self.change(password, change_settings(self.client_id, values, seen))

    def set_addresses(self, api_url: str, broker_url: str | None) -> store.Identity:
        """
        Use other addresses from the next start of the device on; they belong to this machine alone.

        Raises:
            SignInError, ChangeError: As ``check_addresses``.
        """
        api, broker = self.check_addresses(api_url, broker_url)
        self._identity = msgspec.structs.replace(self._identity, api_url=api, broker_url=broker)
        store.readdress(self._folder.path, self._identity)
        return self._identity

    def check_addresses(self, api_url: str, broker_url: str | None) -> tuple[str, str | None]:
        """
        Return the addresses as ``set_addresses`` would store them, and store nothing.

        Raises:
            SignInError: Nobody is signed in, or without the permission ``EDIT_CONFIG``.
            ChangeError: An address that cannot be used, or in clear text to another machine.
        """
        with self._open() as db:
            require(db, Permission.EDIT_CONFIG)
        try:
            api = checked_url(api_url.strip(), "the API's address", secure="https", loopback_only="http")
            broker = broker_url.strip() if broker_url else ""
            if broker:
                broker = checked_url(broker, "the broker's address", secure="mqtts", loopback_only="mqtt")
        except ConfigError as error:
            raise ChangeError(str(error).rstrip(".")) from error
        return api, broker or None

    def sources(self) -> list[dict[str, Any]]:
        """
        Return the entries of this device's sources, as ``docs/desktop-sources.md`` has them.

        Raises:
            ChangeError: The file that holds them cannot be used.
        """
        try:
            return read_entries(self._folder.path)
        except SourceConfigError as error:
            raise ChangeError(str(error)) from error

    def set_sources(self, entries: list[dict[str, Any]]) -> None:
        """
        Store other sources for this device; they count from ``Device.renew_sources`` on.

        Raises:
            SignInError: Nobody is signed in, or without the permission ``EDIT_CONFIG``.
            ChangeError: One of them cannot be used; nothing was stored.
            OSError: The file cannot be written.
        """
        with self._open() as db:
            require(db, Permission.EDIT_CONFIG)
        try:
            write_plan(self._folder.path, entries)
        except SourceConfigError as error:
            raise ChangeError(str(error)) from error

    def people(self, unless: tuple[Any, ...] | None = None) -> People | None:
        """
        Return people, rights, and what became of changes; ``None`` when the mark is still *unless*.

        Raises:
            SignInError: Nobody is signed in, or nobody who may change records.
        """
        with self._open() as db:
            queue, position = ChangeQueue(db), SyncStore(db).position()
            mark = (sessions.current(db).user_id, position.history, position.version, *queue.mark())
            if mark == unless:
                return None
            shown = read_holdings(db)
            held = _require_any(db, shown, CHANGING)
            unanswered = [queued.change.key for queued in queue.all() if queued.applied_as is None]
            reviews = [outcome(shown, one.row, one.with_it) for one in queue.reviews()]
            conflicts = [outcome(shown, row) for row in queue.conflicts(MOST_CONFLICTS)]
            everybody = directory(shown, unanswered) if held & set(OF_PEOPLE) else Directory()
            return People(mark, everybody, len(unanswered), tuple(reviews), tuple(conflicts))

    def create_person(self, own: str, username: str, password: str, roles: Collection[str]) -> None:
        """
        Make a user with a *password* and *roles*, by their ids; *own*: the signed-in person's password.

        Raises:
            SignInError, ChangeError: Nothing was queued; the sentence says why.
        """
        self.change(own, make_person(username, hashed_password(password), roles))

    def new_password(self, own: str, user_id: str, password: str) -> None:
        """
        Give a user another *password*; *own*: the signed-in person's, as it is now.

        Raises:
            SignInError, ChangeError: Nothing was queued; the sentence says why.
        """
        with self._open() as db:
            by = author(db, self.client_id, self._clock, own)
            set_password(db, self._clock, by, Key.user(user_id), password=password, own=own)

    def repeat(self, own: str, entry: int) -> None:
        """
        Make a change that was not applied again, on what is shown now, and take it off the list.

        Raises:
            SignInError, ChangeError: Nothing was queued, and it stays on the list; the sentence says why.
        """
        with self._open() as db:
            by, queue = author(db, self.client_id, self._clock, own), ChangeQueue(db)
            with writing(db):
                one = found(queue.reviews(), entry)
                repeat(by, outcome(read_holdings(db), one.row))
                queue.reviewed(entry, format_time(self._clock.now()))

    def reviews(self) -> list[Reviewed]:
        """Return the changes made here that were not applied."""
        with self._open() as db:
            return ChangeQueue(db).reviews()

    def reviewed(self, entry: int) -> None:
        """
        Take an entry off the list of changes to review.

        Raises:
            SignInError: Nobody is signed in, or nobody who may change records.
        """
        with self._open() as db:
            _require_any(db, read_holdings(db), CHANGING)
            ChangeQueue(db).reviewed(entry, format_time(self._clock.now()))

    def sync_log(self, limit: int) -> list[Mapping[str, Any]]:
        """Return what became of changes, conflicts with both values, newest first."""
        with self._open() as db:
            return list(ChangeQueue(db).log(limit))


def require(db: sqlite3.Connection, permission: Permission) -> SignedIn:
    """
    Return who is signed in, who holds *permission*.

    Raises:
        SignInError: Nobody is signed in, or without it.
    """
    who = sessions.current(db)
    if permission not in read_holdings(db).rights.of_user(who.user_id).permissions:
        raise SignInError(f"that needs the permission {permission}")
    return who


def _require_any(db: sqlite3.Connection, shown: Holdings, permissions: Collection[Permission]) -> frozenset[str]:
    """Return all that the signed-in person holds, one of *permissions* among it."""
    held = shown.rights.of_user(sessions.current(db).user_id).permissions
    if not held & set(permissions):
        raise SignInError(f"that needs one of the permissions {', '.join(permissions)}")
    return held
