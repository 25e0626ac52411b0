"""
How the sources of a running device are, in a file beside the outbox, for the command line.

The file is a courtesy: where it cannot be written, the program goes on without it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from pulse_runtime.private_files import write_private

from .group import SourceState

FILE_NAME = "sources-state.json"
log = structlog.get_logger()


class StatesFile:
    """The file in *folder*; written when something has changed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._written: list[SourceState] | None = None
        self._is_failing = False

    def save(self, states: list[SourceState]) -> None:
        """Write *states* when they differ from what was tried to be written last."""
        if states == self._written:
            return
        self._written = states
        try:
            write_private(self._path, msgspec.json.encode(states))
            self._is_failing = False
        except (OSError, ValueError) as error:
            if not self._is_failing:
                log.warning("desktop.source_states_not_saved", reason=str(error))
            self._is_failing = True


def read_states(folder: Path) -> list[SourceState]:
    """Return what was written last; nothing when there is no such file or it cannot be used."""
    try:
        return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=list[SourceState])
    except (OSError, msgspec.MsgspecError):
        return []
