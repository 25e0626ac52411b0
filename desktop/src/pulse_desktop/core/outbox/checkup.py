"""
Looks through a large file for damage while the client is already recording.

Only for a file that was closed in order; any other is looked through before it is used (``schema``). What it finds
is for the writer: the client ends, and its next start salvages. Never writes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from .schema import damage_in, is_damage, open_for_reading

STEPS = 50_000  # of SQLite's machine, between two looks whether to stop


class Checkup:
    """One look through the file at *path*; *found* is called, in a thread of its own, with what is wrong."""

    def __init__(self, path: Path, found: Callable[[str], None]) -> None:
        self._path, self._found = path, found
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-checkup", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up, soon."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            db = open_for_reading(self._path)
            db.set_progress_handler(self._stopping.is_set, STEPS)
            try:
                answer = damage_in(db)
            finally:
                db.close()
        except sqlite3.Error as error:
            answer = str(error) if is_damage(error) else ""
        if answer and not self._stopping.is_set():
            self._found(answer)
