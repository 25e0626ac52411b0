"""Names for streams: UUIDv7, so that they sort by the time they were begun and never meet again."""

from __future__ import annotations

import uuid_utils


def new_stream() -> str:
    """Return a fresh stream id."""
    return str(uuid_utils.uuid7())
