"""Collects the parts of one snapshot until all are there; another snapshot's parts begin anew. Pure."""

from __future__ import annotations

from typing import Any

from pulse_sync.messages import Snapshot


class SnapshotParts:
    """The parts received so far, in any order and repeated or not."""

    def __init__(self) -> None:
        self._of: tuple[str, int, int] | None = None
        self._found: dict[int, list[dict[str, Any]]] = {}

    def add(self, part: Snapshot) -> list[dict[str, Any]] | None:
        """Take one part; return all records, as they travel, once every part is there."""
        of = (part.snapshot, part.version, part.parts)
        if of != self._of:
            self._of, self._found = of, {}
        self._found[part.part] = part.records
        if any(number not in self._found for number in range(1, part.parts + 1)):
            return None
        found = [one for number in range(1, part.parts + 1) for one in self._found[number]]
        self._of, self._found = None, {}
        return found
