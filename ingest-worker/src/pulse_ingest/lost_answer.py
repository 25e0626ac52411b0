"""
What became of a transaction whose COMMIT was sent and never answered: PostgreSQL is asked by its number.

So that a second try of our own is not taken for a copy that came twice. Receipts never rest on this: they are read
from the ledger. Read next: ``writer``.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from .errors import StorageUnavailable
from .sql import QUERIES

T = TypeVar("T")


class Fetches(Protocol):
    """What is needed of a connection."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Return the one value of a query."""


class LostAnswer(Generic[T]):
    """Remembers the last transaction of one connection until its end is known; not for concurrent use."""

    def __init__(self) -> None:
        """Begin with nothing in doubt."""
        self._doubt: tuple[object, str, T] | None = None

    async def expect(self, conn: Fetches, batch: object, outcome: T) -> None:
        """Note, as the last act before COMMIT, that the open transaction stores *batch* with *outcome*."""
        self._doubt = (batch, await conn.fetchval(QUERIES["current_transaction"]), outcome)

    def came(self) -> None:
        """Note that COMMIT was answered."""
        self._doubt = None

    async def outcome(self, conn: Fetches, batch: object) -> T | None:
        """
        Return the outcome of the last try to store *batch*, the same object, if it was committed; else ``None``.

        Raises:
            StorageUnavailable: It has not ended yet.
        """
        if self._doubt is None or self._doubt[0] is not batch:
            return None
        state = await conn.fetchval(QUERIES["transaction_state"], self._doubt[1])
        if state == "in progress":
            raise StorageUnavailable("an earlier COMMIT of the same batch has not ended yet")
        return self._doubt[2] if state == "committed" else None
