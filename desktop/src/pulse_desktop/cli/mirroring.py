"""``sync``: how far this device is with its server, what waits, and what was not applied."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import msgspec

from pulse_acl.payloads import format_time
from pulse_sync.records import Key, Kind

from ..core.errors import ChangeError
from ..core.lock import running_process
from ..core.people.review import name_of
from ..core.sync.change_queue import ChangeQueue
from ..core.sync.holdings import Holdings
from ..core.sync.store import SyncStore
from .desk import Desk, show, show_figures


def status(on: Desk, asked: argparse.Namespace) -> None:
    """Say how far it is."""
    state, shown, queue = SyncStore(on.db).state(), on.shown(), ChangeQueue(on.db)
    unanswered = [queued for queued in queue.all() if queued.applied_as is None]
    figures = {
        "history": state["history"],
        "version": state["version"],
        "config_version": state["config_version"],
        "connection": state["connection_status"] if running_process(on.folder.path) is not None else "STOPPED",
        "last_contact": state["last_contact_at"] or "never",
        "last_sync": state["last_sync_at"],
        "users": len([user for user in shown.of(Kind.USER) if not user.is_deleted]),
        "roles": len([role for role in shown.of(Kind.ROLE) if not role.is_deleted]),
        "waiting": len(unanswered),
        "to_review": len(queue.reviews()),
    }
    show_figures(figures, as_json=asked.json)


def ask(on: Desk, _asked: argparse.Namespace) -> None:
    """Have the running program ask for what was missed."""
    SyncStore(on.db).note(ask_wanted=1)
    print("asked.")


def waiting(on: Desk, asked: argparse.Namespace) -> None:
    """List the changes that the server has not answered."""
    shown = on.shown()
    rows = [
        {"change_id": one.change_id, "type": one.type, "name": name_of(shown, one.key), "id": one.id,
         "field": one.field, "by": one.by, "at": one.at}
        for one in (queued.change for queued in ChangeQueue(on.db).all() if queued.applied_as is None)
    ]  # fmt: skip
    show(rows, as_json=asked.json)


def review(on: Desk, asked: argparse.Namespace) -> None:
    """List what was not applied, or take an entry off that list."""
    queue = ChangeQueue(on.db)
    if asked.done is not None:
        if not queue.reviewed(asked.done, format_time(on.clock.now())):
            raise ChangeError(f"there is no entry {asked.done} to review")
        print("reviewed.")
        return
    shown = on.shown()
    rows = [{**_entry(shown, one.row), "with_it": len(one.with_it)} for one in queue.reviews()]
    show(rows, as_json=asked.json)


def log(on: Desk, asked: argparse.Namespace) -> None:
    """List what became of this device's changes, newest first."""
    shown = on.shown()
    show([_entry(shown, row) for row in ChangeQueue(on.db).log(asked.limit)], as_json=asked.json)


def _entry(shown: Holdings, row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "id", "timestamp", "status", "reason", "action", "entity_type", "name", "entity_id", "old_value", "new_value",
        "error_message", "by",
    )  # fmt: skip
    key = Key(Kind(row["entity_type"]), row["entity_id"])
    made = msgspec.json.decode(row["new_value"]) if row["action"] == "create" else {}
    named = {**row, "name": name_of(shown, key, made)}
    return {name: named[name] for name in names}
