"""
What a source hands over and what of it may be recorded.

A value that the contract does not know is dropped from its sample and reported, alone; a sample with nothing
left is not recorded and takes no number. Pure. Read next: ``outbox.file``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from pulse_acl.payloads import INT64_MAX, INT64_MIN, MAX_METRICS

MetricValue: TypeAlias = bool | int | float
Values: TypeAlias = Mapping[str, object]
NumberedValues: TypeAlias = Callable[[str, int], Values]
_KEY = re.compile(r"[A-Za-z0-9._/-]{1,100}")


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One moment of a source, not yet recorded.

    ``values``: the metrics, or a function of (stream, sequence_no) that gives them when the number is known.
    """

    recorded_at: datetime
    values: Values | NumberedValues


class StoredReading(msgspec.Struct, frozen=True, gc=False):
    """One committed row; ``ordinal`` counts streams in the order they were begun, ``metrics`` is JSON."""

    ordinal: int
    stream: str
    sequence_no: int
    recorded_at: str
    metrics: bytes


@lru_cache(maxsize=4_096)  # a source names the same metrics again and again
def _is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The values that may be recorded, and why each other one may not."""

    metrics: dict[str, MetricValue]
    dropped: dict[str, str]


def are_plain(values: dict[str, Any]) -> bool:
    """Tell whether *values* are recordable as they are, by the quickest look that says so; see ``clean``."""
    for value in values.values():
        kind = type(value)
        if kind is float:
            if value - value != 0.0:  # infinite, or not a number
                return False
        elif kind is int:
            if not INT64_MIN <= value <= INT64_MAX:
                return False
        elif kind is not bool:
            return False
    return True


def _are_keys(names: Iterable[object]) -> bool:
    return all(type(name) is str and _is_key(name) for name in names)


def clean(values: Values) -> Cleaned:
    """Sort *values* into what the contract allows and what it does not (see ``Cleaned``)."""
    if type(values) is dict and len(values) <= MAX_METRICS and _are_keys(values) and are_plain(values):
        return Cleaned(values.copy(), {})
    metrics: dict[str, MetricValue] = {}
    dropped: dict[str, str] = {}
    for key, value in values.items():
        reason = _refusal(key, value)
        if reason is None and len(metrics) >= MAX_METRICS:
            reason = f"a reading has at most {MAX_METRICS} metrics"
        if reason is None:
            metrics[key] = _plain(value)
        else:
            dropped[str(key)[:100]] = reason
    return Cleaned(metrics, dropped)


def _plain(value: object) -> MetricValue:
    """Return a number of whatever class (some libraries have their own) as Python's own."""
    if isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else float(value)  # type: ignore[arg-type]  # narrowed by _refusal


def _refusal(key: object, value: object) -> str | None:
    if not isinstance(key, str) or not _is_key(key):
        return "a metric's name is 1 to 100 of A-Z a-z 0-9 . _ - /"
    if isinstance(value, int):
        return None if INT64_MIN <= value <= INT64_MAX else "an integer beyond 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else "not a finite number"
    return "neither an integer nor a decimal nor a boolean"
