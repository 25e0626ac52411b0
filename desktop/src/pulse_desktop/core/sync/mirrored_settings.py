"""The settings that the server has set for a device, read beside whoever writes them. Read next: ``holdings``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from pulse_sync.records import Kind

from .holdings import read_holdings


def mirrored_settings(path: Path, client_id: str) -> dict[str, str]:
    """
    Return the settings in force by key, as text; none when there is no such file yet.

    Raises:
        sqlite3.Error: It cannot be read.
    """
    if not path.exists():
        return {}
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=5.0)
    db.row_factory = sqlite3.Row
    try:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sync_state'").fetchone():
            return {}
        return {key: _text(value) for key, value in read_holdings(db, [Kind.SETTING]).settings(client_id).items()}
    finally:
        db.close()


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
