"""
Makes readings of samples: the values that may be recorded, as JSON, and the time as text.

Every reading of the device passes here, so names that were found good once are not looked at again, and the text of
a minute is made once. Owns no numbers and no file. Read next: ``readings`` (what may be recorded).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from operator import attrgetter

import msgspec
import structlog

from pulse_acl.payloads import format_time

from ..readings import NumberedValues, Sample, StoredReading, Values, are_plain, clean

log = structlog.get_logger()
MOST_KNOWN = 1_000  # sets of names that a source may have without being looked at each time
_POSITION = attrgetter("ordinal", "sequence_no")
_SECONDS = tuple(f"{second:02d}." for second in range(60))
_MILLISECONDS = tuple(f"{millisecond:03d}Z" for millisecond in range(1000))
_encode = msgspec.json.Encoder().encode
_texts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Intake:
    """``dropped``: by metric, how many values were not recorded."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        self._known: set[tuple[object, ...]] = set()
        self._newest: dict[tuple[object, ...], StoredReading] = {}
        self._minute = datetime(1, 1, 1, tzinfo=UTC)
        self._minute_text = ""

    def readings(self, samples: Iterable[Sample], ordinal: int, stream: str, first: int) -> list[StoredReading]:
        """Return *samples* numbered from *first* on; one in which nothing may be recorded is left out."""
        made: list[StoredReading] = []
        number = first
        for sample in samples:
            values = sample.values
            if callable(values):
                values = self._ask(values, stream, number)
            names = tuple(values)
            if names not in self._known or type(values) is not dict or not are_plain(values):
                values = self._sort_out(values, names)
                if not values:
                    continue
                names = tuple(values)
            reading = StoredReading(ordinal, stream, number, self.time(sample.recorded_at), _encode(values))
            made.append(reading)
            self._newest[names] = reading
            number += 1
        return made

    def time(self, at: datetime) -> str:
        """Write *at*, which must be aware, as ``format_time`` does."""
        since = at - self._minute
        if since.days or since.seconds >= 60:
            self._minute = at.astimezone(UTC).replace(second=0, microsecond=0)
            self._minute_text = format_time(self._minute)[:-7]
            since = at - self._minute
        return self._minute_text + _SECONDS[since.seconds] + _MILLISECONDS[since.microseconds // 1000]

    def take_newest(self) -> Iterator[tuple[str, str, StoredReading]]:
        """Yield (metric, value as JSON, reading) of what came since the last call, the newest of a metric last."""
        readings, self._newest = sorted(self._newest.values(), key=_POSITION), {}
        for reading in readings:
            for metric, text in _texts(reading.metrics).items():
                yield metric, bytes(text).decode(), reading

    @staticmethod
    def _ask(values: NumberedValues, stream: str, number: int) -> Values:
        try:
            return values(stream, number)
        except Exception:  # a source's code; it must not end the thread that owns the file
            log.exception("desktop.source_failed", stream=stream, sequence_no=number)
            return {}

    def _sort_out(self, values: Values, names: tuple[object, ...]) -> Values:
        cleaned = clean(values)
        if cleaned.dropped:
            self._report(cleaned.dropped)
        elif names and len(self._known) < MOST_KNOWN:
            self._known.add(names)
        return cleaned.metrics

    def _report(self, dropped: Mapping[str, str]) -> None:
        for key, reason in dropped.items():
            if key not in self.dropped:
                log.warning("desktop.value_dropped", metric=key, reason=reason)
            self.dropped[key] = self.dropped.get(key, 0) + 1
