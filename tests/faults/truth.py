"""What the devices' own files say was recorded, gathered before anything of it is replaced. Read next: ``compare``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from faults import outbox_file


@dataclass(slots=True)
class Truth:
    """
    One device with its clones.

    ``made``: by stream, the highest number committed; ``given_up``: by stream, what was given up for want of room;
    ``times``: when readings were taken, by stream and number, of those that a file still knew; ``reused``: numbers
    that were given to two readings, one of which must be gone.
    """

    made: dict[str, int] = field(default_factory=dict)
    given_up: dict[str, set[int]] = field(default_factory=dict)
    times: dict[tuple[str, int], datetime] = field(default_factory=dict)
    reused: set[tuple[str, int]] = field(default_factory=set)

    def read(self, file: Path) -> None:
        """Add what the outbox *file* says; what was read before stays."""
        for stream, last in outbox_file.commit_log(file).items():
            self.made[stream] = max(last, self.made.get(stream, 0))
        for stream, numbers in outbox_file.given_up(file).items():
            self.given_up.setdefault(stream, set()).update(numbers)
        for reading, at in outbox_file.times(file).items():
            if self.times.setdefault(reading, at) != at:
                self.reused.add(reading)
