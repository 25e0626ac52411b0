"""
The ledger's rows of a batch: locked, read and changed, inside a transaction that ``writer`` holds.

A row is rewritten whole with every batch of its stream, so its sets have a bound: what would make them larger is left
unsettled, for numbers run 1, 2, 3 … and a stream of a device that keeps to that never has so many gaps. Decides no
fate (that is ``ledger``) and opens no connection. Read next: ``writer``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pulse_acl.ranges import from_numbers, from_text, to_text

from .ledger import Account, Claim, Settlement
from .rows import TOO_MANY_AT_ONCE, TOO_MANY_GAPS, StreamKey
from .side_rows import columns
from .sql import QUERIES

MOST_BYTES = 256 * 1024  # of the sets as stored, of one device in one batch: some 35,000 gaps, 60 ms


class Asks(Protocol):
    """What is needed of a connection."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement."""

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]:
        """Return the rows of a query."""


async def lock_accounts(
    conn: Asks, claims: Mapping[StreamKey, Claim], now: datetime
) -> tuple[dict[StreamKey, Account], dict[StreamKey, str]]:
    """
    Lock the rows of *claims* and return the accounts; errors are the driver's.

    Returns:
        The window of each account that its claim speaks of; and of the others, which are too large, the reason.
    """
    if not claims:
        return {}, {}
    clients, streams = columns(list(claims))
    await conn.execute(QUERIES["open_ledger_rows"], clients, streams, now)
    locked = await conn.fetch(QUERIES["lock_ledger_rows"], clients, streams)
    sizes = {(row["client_id"], row["stream"]): row["bytes"] for row in locked}
    usable = _usable(sizes)
    reasons = {
        key: TOO_MANY_AT_ONCE if sizes[key] <= MOST_BYTES else TOO_MANY_GAPS for key in sizes.keys() - set(usable)
    }
    if not usable:
        return {}, reasons
    spans = [claims[key].named for key in usable]
    found = await conn.fetch(
        QUERIES["read_ledger_rows"], *columns(usable), [span[0][0] for span in spans], [span[-1][1] for span in spans]
    )
    accounts = {
        (row["client_id"], row["stream"]): Account(
            from_text(row["settled"]), from_text(row["rejected"]), from_text(row["lost"])
        )
        for row in found
    }
    return accounts, reasons


def _usable(sizes: Mapping[StreamKey, int]) -> list[StreamKey]:
    """Return the streams of each device, smallest first, that are within the bound together."""
    made: list[StreamKey] = []
    taken: dict[str, int] = {}
    for key, size in sorted(sizes.items(), key=lambda item: item[1]):
        taken[key[0]] = taken.get(key[0], 0) + size
        if taken[key[0]] <= MOST_BYTES:
            made.append(key)
    return made


async def update_accounts(
    conn: Asks, claims: Mapping[StreamKey, Claim], settlements: Mapping[StreamKey, Settlement], now: datetime
) -> None:
    """Apply *settlements* to the rows, which are locked; errors are the driver's."""
    if not settlements:
        return
    changes = [
        (
            *key,
            to_text(done.settled_added),
            to_text(from_numbers(done.reject)),
            to_text(done.superseded),
            to_text(done.lost_added),
            to_text(done.lost_removed),
            claims[key].highest,
            len(done.archive),
            done.duplicates,
        )
        for key, done in settlements.items()
    ]
    await conn.execute(QUERIES["update_ledger_rows"], *columns(changes), now)
