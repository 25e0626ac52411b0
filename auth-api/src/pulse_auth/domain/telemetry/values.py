"""
One archived value as the API shows it, and the spans of time that may be asked for. Pure.

A value keeps its kind: an integer every digit, a double its point or exponent, a boolean its name.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pulse_acl.payloads import format_time, parse_time

Value = int | float | bool
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")
_KINDS = {bool: "boolean", int: "integer", float: "double"}


def pick(*columns: Value | None) -> Value:
    """Return the one of a row's three value columns that is set."""
    for found in columns:
        if found is not None:
            return found
    raise ValueError("a row of the archive holds no value")


def kind(value: Value) -> str:
    """Return ``integer``, ``double`` or ``boolean``."""
    return _KINDS[type(value)]


def text(value: Value) -> str:
    """Write *value* as in JSON: digits only for an integer, always a point or an exponent for a double."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def moment(given: str | None, name: str) -> datetime | None:
    """
    Read a time of a request; ``None`` stays ``None``.

    Raises:
        ValueError: Not RFC 3339 with an offset.
    """
    if given is None:
        return None
    if not _RFC3339.fullmatch(given):
        raise ValueError(f"{name} is not a time in RFC 3339 with its offset, such as {format_time(_EXAMPLE)}")
    return parse_time(given)


_EXAMPLE = datetime(2026, 2, 7, 10, 15, 30, 125_000, tzinfo=UTC)
