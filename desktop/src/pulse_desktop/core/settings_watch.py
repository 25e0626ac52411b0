"""
Notices when the stored settings change while the device runs.

Reads ``system_config`` of both files: what the server has set goes before what stands in the outbox. A value out of
its bounds is logged once and the value before it stays in force.
Read next: ``settings``, ``device`` (what a change does).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import structlog

from .folder import DeviceFolder
from .outbox import OutboxReader
from .settings import DeviceSettings, usable
from .sync.mirrored_settings import mirrored_settings
from .sync.schema import FILE_NAME

log = structlog.get_logger()


class SettingsWatch:
    """What is in force, compared with what is stored; *local* goes before the stored settings."""

    def __init__(self, folder: DeviceFolder, settings: DeviceSettings, local: Mapping[str, str]) -> None:
        self._folder, self._in_force, self._local = folder, settings, local
        self._said: dict[str, str] = {}

    def changed(self) -> DeviceSettings | None:
        """Return the settings when they differ from those of before, else ``None``."""
        stored = self._read()
        if stored is None:
            return None
        removed, refused = usable(DeviceSettings(), {**stored, **self._local})
        kept = {key: str(getattr(self._in_force, key)) for key in refused}
        found, _ = usable(removed, kept)
        for key, reason in refused.items():
            if self._said.get(key) != reason:
                log.warning("desktop.setting_refused", setting=key, reason=reason)
        self._said = refused
        if found == self._in_force:
            return None
        self._in_force = found
        log.info("desktop.settings_changed")
        return found

    def _read(self) -> dict[str, str] | None:
        try:
            return stored_settings(self._folder)
        except sqlite3.Error as error:
            log.warning("desktop.settings_unreadable", reason=str(error))
            return None


def stored_settings(folder: DeviceFolder) -> dict[str, str]:
    """
    Return the settings that the files of a device hold, as text by key.

    Raises:
        sqlite3.Error: A file cannot be read.
    """
    reader = OutboxReader(folder.outbox)
    try:
        return {**reader.settings(folder.client_id), **mirrored_settings(folder.path / FILE_NAME, folder.client_id)}
    finally:
        reader.close()
