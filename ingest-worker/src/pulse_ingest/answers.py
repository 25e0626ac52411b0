"""
What a batch is answered: the fate of every number that it named, with the reasons of the rejected ones.

Runs inside the transaction that settled them, so that what is told is what is committed. Read next: ``receipts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pulse_acl.ranges import Ranges, to_text

from .ledger import Claim, Settlement
from .receipts import Answer
from .rows import StreamKey
from .side_rows import columns
from .sql import QUERIES

_UNKNOWN_REASON = "rejected earlier"


class Fetches(Protocol):
    """What is needed of a connection."""

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]:
        """Return the rows of a query."""


async def answers_of(
    conn: Fetches, claims: Mapping[StreamKey, Claim], settlements: Mapping[StreamKey, Settlement]
) -> list[Answer]:
    """Return an answer for each stream of *claims*; errors are the driver's."""
    fates = {key: settlements[key].after.within(claim.named) for key, claim in claims.items()}
    reasons = await _reasons(conn, {key: fate.rejected for key, fate in fates.items() if fate.rejected})
    return [Answer(*key, fate, reasons.get(key, {})) for key, fate in fates.items()]


async def _reasons(conn: Fetches, wanted: Mapping[StreamKey, Ranges]) -> dict[StreamKey, dict[int, str]]:
    if not wanted:
        return {}
    made: dict[StreamKey, dict[int, str]] = {
        key: {number: _UNKNOWN_REASON for first, last in numbers for number in range(first, last + 1)}
        for key, numbers in wanted.items()
    }
    for row in await conn.fetch(
        QUERIES["read_reasons"], *columns([(*key, to_text(numbers)) for key, numbers in wanted.items()])
    ):
        made[row["client_id"], row["stream"]][row["sequence_no"]] = row["reason"]
    return made
