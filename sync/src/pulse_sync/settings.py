"""
The settings that devices know, with their bounds; other keys are free for the users' own programs.

What a device makes of them is in its own part. Read next: ``values``, which checks every field of a change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

KEY_PATTERN = re.compile(r"[A-Za-z0-9._/-]{1,100}")
MAX_VALUE_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number from ``least`` to ``most``, in ``unit``; ``whole``: without a fraction."""

    least: float
    most: float
    default: float
    unit: str
    whole: bool = False

    def problem(self, key: str, value: object) -> str | None:
        """Say why *value* is out of bounds, or return ``None``."""
        is_number = isinstance(value, int if self.whole else (int, float)) and not isinstance(value, bool)
        if is_number and self.least <= value <= self.most:  # type: ignore[operator]
            return None
        kind = "a whole number" if self.whole else "a number"
        return f"{key} is {kind} from {self.least:.10g} to {self.most:.10g} {self.unit}."


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]
    default: str

    def problem(self, key: str, value: object) -> str | None:
        """Say that *value* is none of the words, or return ``None``."""
        return None if value in self.words else f"{key} is one of {', '.join(self.words)}."


KNOWN: Mapping[str, Bounds | Choice] = {
    "sampling_interval": Bounds(0.05, 3600, 1, "s"),
    "buffer_limit": Bounds(1_000, 100_000_000, 10_000_000, "readings", whole=True),
    "buffer_full_policy": Choice(("refuse_new", "drop_oldest"), "refuse_new"),
    "confirmed_keep_h": Bounds(0, 720, 24, "h"),
    "heartbeat_interval": Bounds(1, 60, 5, "s"),
    "flush_batch_size": Bounds(1, 1_000, 200, "readings", whole=True),
    "flush_order": Choice(("buffer_first", "live_first"), "buffer_first"),
    "offline_login_days": Bounds(0, 90, 7, "days", whole=True),
}


def problem(key: str, value: object) -> str | None:
    """
    Say why a setting may not have this value, or return ``None`` when it may.

    Args:
        key: The setting's key.
        value: Any JSON value.
    """
    if KEY_PATTERN.fullmatch(key) is None or key.startswith("/") or key.endswith("/"):
        return "A setting's key is 1 to 100 of A-Z a-z 0-9 . _ - /, with no slash at its ends."
    known = KNOWN.get(key)
    if known is not None:
        return known.problem(key, value)
    if not is_storable(value):
        return f"A setting's value is JSON of at most {MAX_VALUE_BYTES} bytes, with 64-bit integers and finite numbers."
    return None


def is_storable(value: object) -> bool:
    """Tell whether *value* is JSON that SQLite, PostgreSQL and the wire keep as it is."""
    try:
        encoded = msgspec.json.encode(value)
        return len(encoded) <= MAX_VALUE_BYTES and b"\\u0000" not in encoded and _is_json(value)
    except (TypeError, ValueError, RecursionError, OverflowError, msgspec.MsgspecError):
        return False


def _is_json(value: object) -> bool:
    match value:
        case None | bool() | str():
            return True
        case int():
            return -(2**63) <= value < 2**63
        case float():
            # PostgreSQL's JSONB gives 1e19 back as an integer, which must still be one of 64 bits.
            return math.isfinite(value) and abs(value) < 2**63
        case list():
            return all(map(_is_json, value))
        case dict():
            return all(isinstance(name, str) and _is_json(one) for name, one in value.items())
        case _:
            return False
