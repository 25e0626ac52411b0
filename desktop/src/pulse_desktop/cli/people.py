"""``users``: the people as this device shows them, and changes of them."""

from __future__ import annotations

import argparse

from pulse_sync.records import DELETED_AT, Key, Kind, Record

from ..core.errors import ChangeError
from ..core.identity.operators import author, hashed_password, set_password
from ..core.sync.holdings import Holdings
from ..core.sync.schema import writing
from .desk import Desk, named, password, show


def listed(on: Desk, asked: argparse.Namespace) -> None:
    """List everybody who is not deleted."""
    shown = on.shown()
    rows = [_row(shown, user) for user in shown.of(Kind.USER) if asked.all or not user.is_deleted]
    show(sorted(rows, key=lambda row: str(row["username"])), as_json=asked.json)


def create(on: Desk, asked: argparse.Namespace) -> None:
    """Make a user, with roles."""
    by = on.author(asked)
    hashed = hashed_password(password(asked, "new_password_file", "Password of the new user: "))
    shown = on.shown()
    roles = [named(shown, Kind.ROLE, role) for role in asked.role]
    with writing(on.db):
        user = by.create(Kind.USER, {"username": asked.username, "password_hash": hashed, "is_active": True})
        for role in roles:
            by.edit(Key.user_role(user.id, role.key.id), "present", True)  # noqa: FBT003 - a value
    print(f"queued: {asked.username} ({user.id}).")


def rename(on: Desk, asked: argparse.Namespace) -> None:
    """Give a user another name."""
    by = on.author(asked)
    by.edit(named(on.shown(), Kind.USER, asked.username).key, "username", asked.new_name)
    print("queued.")


def set_active(on: Desk, asked: argparse.Namespace) -> None:
    """Activate or deactivate a user."""
    by = on.author(asked)
    by.edit(named(on.shown(), Kind.USER, asked.username).key, "is_active", asked.verb == "activate")
    print("queued.")


def delete(on: Desk, asked: argparse.Namespace) -> None:
    """Delete a user."""
    by = on.author(asked)
    by.delete(named(on.shown(), Kind.USER, asked.username).key)
    print("queued.")


def restore(on: Desk, asked: argparse.Namespace) -> None:
    """Take a deletion back."""
    by = on.author(asked)
    gone = [user for user in on.shown().of(Kind.USER) if user.is_deleted and asked.username in _names(user)]
    if len(gone) != 1:
        raise ChangeError(f"{len(gone)} deleted users are called {asked.username}; give the id")
    by.edit(gone[0].key, DELETED_AT, None)
    print("queued.")


def new_password(on: Desk, asked: argparse.Namespace) -> None:
    """Give a user a new password; for oneself the signing key goes along."""
    own = password(asked)
    by = author(on.db, on.client_id, on.clock, own)
    fresh = password(asked, "new_password_file", "New password: ")
    user = named(on.shown(), Kind.USER, asked.username).key
    set_password(on.db, on.clock, by, user, password=fresh, own=own)
    print("queued.")


def _names(user: Record) -> set[str]:
    return {user.key.id, str(user.get("username"))}


def _row(shown: Holdings, user: Record) -> dict[str, object]:
    roles = (shown.records.get(Key.role(role)) for role in shown.rights.roles_of.get(user.key.id, ()))
    return {
        "username": user.get("username"),
        "id": user.key.id,
        "is_active": bool(user.get("is_active")) and not user.is_deleted,
        "roles": sorted(str(role.get("name")) for role in roles if role is not None and not role.is_ended),
        "has_password": user.get("password_hash") is not None,
        "deleted_at": user.get(DELETED_AT),
    }
