"""
What is in the outbox after a commit: one consistent picture, from which heartbeats and progress are read.

An ``OutboxState`` never changes once it is published. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from pulse_acl.ranges import Range, count

WARN_PCT = 80.0


class StreamState(msgspec.Struct):
    """
    One stream's account.

    ``held`` rows have no fate yet (``pending``: never acknowledged by a broker, ``sent``: acknowledged);
    ``first_held`` and ``last_held`` are 0 when none is held. ``lost``: numbers given up that no receipt has named
    so far, ascending; none of them has a row.
    """

    ordinal: int
    stream: str
    last_no: int = 0
    first_held: int = 0
    last_held: int = 0
    pending: int = 0
    sent: int = 0
    quarantined: int = 0
    oldest_at: str | None = None
    lost: tuple[Range, ...] = ()

    def take_back(self, numbers: Sequence[int]) -> None:
        """Count rows that came back as pending; the first and the last held one lie between the ends from now on."""
        self.pending += len(numbers)
        self.first_held = min(self.first_held or numbers[0], *numbers)
        self.last_held = max(self.last_held, *numbers)
        self.last_no = max(self.last_no, self.last_held)

    @property
    def held(self) -> int:
        """Rows that no receipt has named."""
        return self.pending + self.sent

    @property
    def is_open(self) -> bool:
        """Tell whether a number of this stream waits for its fate, as a row or as a declared loss."""
        return bool(self.held or self.lost)

    @property
    def open_span(self) -> Range:
        """The first and the last number without a fate, rows and declared losses; only when ``is_open``."""
        ends = [(self.first_held, self.last_held)] if self.held else []
        ends += [self.lost[0], self.lost[-1]] if self.lost else []
        return min(first for first, _ in ends), max(last for _, last in ends)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of this stream is here any more."""
        return not (self.held or self.quarantined or self.lost)


@dataclass(frozen=True, slots=True)
class Settlement:
    """
    A checked receipt of time ``at``: ``archived`` leaves the buffer, ``rejected`` (number, reason) is set aside.

    A row that the archive calls ``lost`` stays; a declared loss is settled by any of the three.
    """

    stream: str
    archived: Sequence[Range]
    rejected: Sequence[tuple[int, str]]
    at: str
    lost: Sequence[Range] = ()


@dataclass(frozen=True, slots=True)
class OutboxState:
    """
    The whole outbox; ``streams`` in the order they were begun, those with rows and the current one.

    ``kept_since``: the oldest receipt time that is still here; ``wanted_since``: what a restored archive asked for
    last, ``resent_since``: from which receipt time on everything was put back for it. ``limit``: rows that fit,
    ``disk_used_pct``: how full the disk is, as far as the outbox may use it; times are RFC 3339 text;
    ``problem``: why nothing can be recorded now; ``notice``: what people should know although recording goes on;
    ``reopened``: how often settled rows became pending again; ``refused`` and ``evicted``: readings given up since
    the start; ``dropped_values``: by metric, values that may not be recorded.
    """

    current: StreamState
    streams: tuple[StreamState, ...]
    last_sync_at: str | None = None
    kept_since: str | None = None
    wanted_since: str | None = None
    resent_since: str | None = None
    limit: int = 1
    disk_used_pct: float = 0.0
    problem: str = ""
    notice: str = ""
    reopened: int = 0
    refused: int = 0
    evicted: int = 0
    dropped_values: dict[str, int] = field(default_factory=dict)

    @property
    def held(self) -> int:
        """Readings that no receipt has named, published or not."""
        return sum(stream.held for stream in self.streams)

    @property
    def sent(self) -> int:
        """Those of them that a broker has acknowledged."""
        return sum(stream.sent for stream in self.streams)

    @property
    def quarantined(self) -> int:
        """Readings that the archive rejected."""
        return sum(stream.quarantined for stream in self.streams)

    @property
    def lost(self) -> int:
        """Numbers given up that no receipt has named."""
        return sum(count(stream.lost) for stream in self.streams if stream.lost)

    @property
    def oldest_at(self) -> str | None:
        """When the oldest held reading was recorded."""
        return min((stream.oldest_at for stream in self.streams if stream.held and stream.oldest_at), default=None)

    @property
    def used_pct(self) -> float:
        """How much of the buffer limit is used, or of the disk if that is more, 0 to 100."""
        rows_pct = round(100.0 * (self.held + self.quarantined) / max(1, self.limit), 3)
        return min(100.0, max(rows_pct, self.disk_used_pct))

    @property
    def head(self) -> tuple[int, int]:
        """The newest committed position, (ordinal, sequence_no)."""
        return (self.current.ordinal, self.current.last_no)

    def holds_up_to(self, position: tuple[int, int]) -> bool:
        """Tell whether a held row is at or before *position* (ordinal, sequence_no)."""
        return any(stream.held and (stream.ordinal, stream.first_held) <= position for stream in self.streams)

    def known(self, stream: str) -> StreamState | None:
        """Return the account of a stream that has rows or is current."""
        return next((found for found in self.streams if found.stream == stream), None)
