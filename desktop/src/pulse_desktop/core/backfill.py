"""
Writes backdated readings into the outbox, in a stream of their own, to be flushed the usual way; for demos.

Only while the device does not run: it takes the same lock. Read next: ``device``, which sends them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from .clock import SystemClock
from .folder import DeviceFolder
from .lock import FolderLock
from .outbox import Outbox
from .readings import NumberedValues, Sample
from .settings import DeviceSettings
from .streams import new_stream

FLUSH_S = 60.0
FULL_QUEUE_WAIT_S = 0.02


def backfill(
    folder: DeviceFolder, settings: DeviceSettings, values: NumberedValues, *, hours: float, every_s: float
) -> int:
    """
    Record *values* for the last *hours*, one reading each *every_s* seconds; return how many.

    Raises:
        ConfigError: The device runs.
        StorageError: The outbox cannot be written to.
    """
    lock = FolderLock(folder.path)
    try:
        outbox = Outbox(folder.outbox, SystemClock(), new_stream, settings, lambda _note: None)
        outbox.start()
        try:
            return _fill(outbox.append, outbox, values, datetime_range(SystemClock().now(), hours, every_s))
        finally:
            outbox.close(FLUSH_S)
    finally:
        lock.release()


def datetime_range(end: datetime, hours: float, every_s: float) -> list[datetime]:
    """Return the moments before *end*, oldest first."""
    count = int(hours * 3600 / every_s)
    return [end - timedelta(seconds=every_s * back) for back in range(count, 0, -1)]


def _fill(append: Callable[[Sample], bool], outbox: Outbox, values: NumberedValues, moments: list[datetime]) -> int:
    before = outbox.state.current.last_no
    for moment in moments:
        while not append(Sample(moment, values)):
            time.sleep(FULL_QUEUE_WAIT_S)  # the queue is full: the disk has the word
    outbox.flush(FLUSH_S)
    return outbox.state.current.last_no - before
