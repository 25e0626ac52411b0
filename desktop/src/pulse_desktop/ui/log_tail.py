"""The newest events of the program's log, kept for the window's log view; the log itself goes where it always does."""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import UTC, datetime

from pulse_acl.payloads import format_time

from .snapshot import LogLine

MOST_LINES = 500
_KNOWN = frozenset({"at", "level", "event", "part", "exception"})


class LogTail(logging.Handler):
    """A handler beside the others; ``lines`` may be asked from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._guard = threading.Lock()
        self._shown: tuple[LogLine, ...] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; structlog's come as dictionaries."""
        event = record.msg if isinstance(record.msg, dict) else {"event": record.getMessage()}
        fields = "  ".join(f"{name}={value}" for name, value in event.items() if name not in _KNOWN)
        at = str(event.get("at") or format_time(datetime.now(UTC)))
        line = LogLine(at, str(event.get("level", record.levelname.lower())), str(event.get("event", "")), fields)
        with self._guard:
            self._lines.append(line)
            self._shown = None

    def lines(self) -> tuple[LogLine, ...]:
        """Return the lines, oldest first; the same object while nothing has come."""
        with self._guard:
            if self._shown is None:
                self._shown = tuple(self._lines)
            return self._shown
