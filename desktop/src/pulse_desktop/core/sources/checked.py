"""
Stands between a source and the rest: only recordable values pass, under the source's prefix, each metric of one source.

What it holds back it says in ``complains``. Works in the source's own thread, so that values that fail or hang when
they are looked at do so there and not in the thread that owns the file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from ..readings import Cleaned, NumberedValues, Values, clean
from .base import Source
from .plan import PlannedSource

MOST_METRICS = 10_000  # different ones of a device in one run; a source that makes up names must not fill the memory


class Claims:
    """Which source gives a metric: of several the one that is listed first. Used by the threads of all sources."""

    def __init__(self, names: Iterable[str]) -> None:
        """*names*: of the sources, as listed."""
        self._names = tuple(names)
        self._owners: dict[str, int] = {}
        self._lock = threading.Lock()

    def refused(self, index: int, metrics: Iterable[str]) -> dict[str, str]:
        """
        Take *metrics* for the source at *index*; return those that another one gives, each with that one's name.

        Raises:
            ValueError: The device has too many different metrics.
        """
        refused: dict[str, str] = {}
        with self._lock:
            for metric in metrics:
                owner = self._owners.get(metric, index)
                if owner < index:
                    refused[metric] = self._names[owner]
                    continue
                if metric not in self._owners and len(self._owners) >= MOST_METRICS:
                    raise ValueError(f"the device has {MOST_METRICS} different metrics already; {metric} is one more")
                self._owners[metric] = index
        return refused


class CheckedSource:
    """A source whose values are recordable; ``notice`` is the source's own."""

    def __init__(self, inner: Source, planned: PlannedSource, index: int, claims: Claims) -> None:
        """*index*: its place among the sources."""
        self._inner, self._planned, self._index, self._claims = inner, planned, index, claims
        self._complaint = ""

    @property
    def notice(self) -> str:
        """What the source itself says."""
        found = getattr(self._inner, "notice", "")
        return found if isinstance(found, str) else ""

    def read(self) -> Values | NumberedValues:
        """
        Return what may be recorded.

        Raises:
            TypeError: The source gave something else than values.
            Exception: Whatever it raised.
        """
        found = self._inner.read()
        if isinstance(found, Mapping):
            return self.passed(found)
        if self._planned.is_trusted and callable(found):
            return lambda stream, number: self.passed(found(stream, number))
        raise TypeError(f"it gave {type(found).__name__} instead of values")

    def passed(self, values: Values) -> Values:
        """Return what may be recorded of *values*, under its prefix, and note the rest."""
        cleaned, self._complaint = prefixed(self._planned.prefix, values, self._index, self._claims)
        return cleaned.metrics

    def complains(self) -> str:
        """Return what was held back of the values that were looked at last, and why; empty when nothing."""
        return self._complaint

    def close(self) -> None:
        """Let the source give up what it holds."""
        self._inner.close()


def prefixed(prefix: str, values: Values, index: int, claims: Claims) -> tuple[Cleaned, str]:
    """Return what may be recorded of *values* and what may not, and the sentence about the latter."""
    if len(values) > MOST_METRICS:
        raise ValueError(f"it gave {len(values)} values at once")
    named = {f"{prefix}{key}" if isinstance(key, str) else key: value for key, value in values.items()}
    cleaned = clean(named)
    dropped = dict(cleaned.dropped)
    for metric, owner in claims.refused(index, cleaned.metrics).items():
        del cleaned.metrics[metric]
        dropped[metric] = f"the source {owner!r} gives it already; give one of the two a prefix"
    return Cleaned(cleaned.metrics, dropped), _sentence(dropped)


def _sentence(dropped: Mapping[str, str]) -> str:
    if not dropped:
        return ""
    metric, reason = next(iter(dropped.items()))
    others = f" (and {len(dropped) - 1} more)" if len(dropped) > 1 else ""
    return f"{metric or 'a metric without a name'} is not recorded: {reason}{others}"
