"""``roles``: roles, who has them and what they give, as this device shows it, and changes of that."""

from __future__ import annotations

import argparse

from pulse_sync.records import Key, Kind

from .desk import Desk, named, show


def listed(on: Desk, asked: argparse.Namespace) -> None:
    """List the roles with their permissions and members."""
    shown = on.shown()
    rows = []
    for role in shown.of(Kind.ROLE):
        if role.is_deleted:
            continue
        members = [user for user, roles in shown.rights.roles_of.items() if role.key.id in roles]
        names = (shown.records.get(Key.user(user)) for user in members)
        rows.append({
            "name": role.get("name"),
            "id": role.key.id,
            "description": role.get("description"),
            "permissions": sorted(shown.rights.of_role(role.key.id).permissions),
            "members": sorted(str(user.get("username")) for user in names if user is not None and not user.is_deleted),
        })  # fmt: skip
    show(sorted(rows, key=lambda row: str(row["name"])), as_json=asked.json)


def create(on: Desk, asked: argparse.Namespace) -> None:
    """Make a role."""
    key = on.author(asked).create(Kind.ROLE, {"name": asked.role, "description": asked.description})
    print(f"queued: {asked.role} ({key.id}).")


def rename(on: Desk, asked: argparse.Namespace) -> None:
    """Give a role another name."""
    on.author(asked).edit(named(on.shown(), Kind.ROLE, asked.role).key, "name", asked.new_name)
    print("queued.")


def describe(on: Desk, asked: argparse.Namespace) -> None:
    """Give a role another description."""
    on.author(asked).edit(named(on.shown(), Kind.ROLE, asked.role).key, "description", asked.description)
    print("queued.")


def delete(on: Desk, asked: argparse.Namespace) -> None:
    """Delete a role."""
    on.author(asked).delete(named(on.shown(), Kind.ROLE, asked.role).key)
    print("queued.")


def set_member(on: Desk, asked: argparse.Namespace) -> None:
    """Grant a role to a user, or revoke it."""
    shown = on.shown()
    user, role = named(shown, Kind.USER, asked.username), named(shown, Kind.ROLE, asked.role)
    on.author(asked).edit(Key.user_role(user.key.id, role.key.id), "present", asked.verb == "grant")
    print("queued.")


def set_permission(on: Desk, asked: argparse.Namespace) -> None:
    """Put a permission into a role, or take it out."""
    shown = on.shown()
    role, permission = named(shown, Kind.ROLE, asked.role), named(shown, Kind.PERMISSION, asked.permission)
    on.author(asked).edit(Key.role_permission(role.key.id, permission.key.id), "present", asked.verb == "allow")
    print("queued.")
