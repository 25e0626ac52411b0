"""
The settings of a device as a person sees them, and their change: nothing is set over what that person has not seen.

A change carries what its author looked at. When that has changed meanwhile nothing is queued, since the change would
claim to have seen it. Read next: ``people.changes``, ``sync.author``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulse_sync.records import DELETED_AT, Key
from pulse_sync.settings import KNOWN

from .people.changes import Work, changed_meanwhile
from .sync.author import Author
from .sync.holdings import Holdings


@dataclass(frozen=True, slots=True)
class SettingShown:
    """
    A setting as it is in force: ``value``, who set it last, and where; ``scope``: device, all, or default.

    ``source``: ``web`` or ``desktop:<client_id>``; ``None`` as ``changed_by`` and ``source``: nobody has set it.
    ``mark``: another one whenever a record that it comes from was set or deleted, though its value be the same again.
    """

    key: str
    value: Any
    scope: str
    changed_by: str | None = None
    source: str | None = None
    mark: tuple[Any, ...] = ()


def setting_shown(shown: Holdings, key: str, client_id: str) -> SettingShown:
    """Return a setting that devices know as it is in force on *client_id*."""
    mark: tuple[Any, ...] = ()
    for device, scope in ((client_id, "device"), ("", "all")):
        record = shown.records.get(Key.setting(key, device))
        if record is None:
            continue
        value, stamp = record.get("config_value"), record.clock.get("config_value")
        # Not the stamp of a deletion that is none: the server's answer to a change made here puts it back.
        mark = (*mark, (scope, stamp, record.get(DELETED_AT)))
        if not record.is_deleted:
            by, source = (stamp.by, stamp.source) if stamp is not None else (None, None)
            return SettingShown(key, value, scope, by, source, mark)
    return SettingShown(key, KNOWN[key].default, "default", mark=mark)


def change_settings(client_id: str, values: Mapping[str, Any], seen: Iterable[SettingShown]) -> Work:
    """
    Set *values* (``None``: remove what is set) for *client_id*, by somebody who looked at *seen*.

    The work raises ``ChangeError`` when one of *values* is not as it was *seen*.
    """
    before = {one.key: one for one in seen}

    def work(by: Author, shown: Holdings) -> None:
        for key in values:
            if before.get(key) != setting_shown(shown, key, client_id):
                raise changed_meanwhile(key)
        for key, value in values.items():
            where = Key.setting(key, client_id)
            _ = by.delete(where) if value is None else by.edit(where, "config_value", value)

    return work
