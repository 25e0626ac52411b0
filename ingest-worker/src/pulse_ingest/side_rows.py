"""
Heartbeats, claims and audit rows to statements, inside a transaction that ``writer`` holds.

Ledger rows come first and in key order, like those of batches, so that neither waits for the other in a ring. Opens
no connection and decides no retry. Read next: ``presence`` (what the rows are made of).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .presence import SideBatch
from .sql import QUERIES


class Executes(Protocol):
    """What is needed of a connection."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement."""


async def store_side(conn: Executes, batch: SideBatch) -> None:
    """Store all of *batch* in the transaction that is open on *conn*; errors are the driver's."""
    await _claim_produced(conn, batch)
    await _note_presences(conn, batch)
    if batch.audits:
        rows = [(a.at, a.actor, a.action, a.entity_id, a.detail) for a in batch.audits]
        await conn.execute(QUERIES["add_audit_rows"], *columns(rows))


async def _claim_produced(conn: Executes, batch: SideBatch) -> None:
    if batch.claims:
        # New rows first and apart, like batches do: whoever waits for another's new row holds no lock on an old one.
        clients, streams = columns(list(batch.claims))
        await conn.execute(QUERIES["open_ledger_rows"], clients, streams, min(at for _, at in batch.claims.values()))
        claims = [(*key, number, at) for key, (number, at) in batch.claims.items()]
        await conn.execute(QUERIES["claim_produced"], *columns(claims))


async def _note_presences(conn: Executes, batch: SideBatch) -> None:
    beats = [p for p in batch.presences.values() if p.heartbeat is not None]
    for query, retained in (("note_heartbeats", False), ("note_retained_heartbeats", True)):
        chosen = [
            (p.client_id, p.status, p.heartbeat, p.heartbeat_at, p.received_at) for p in beats if p.retained is retained
        ]
        if chosen:
            await conn.execute(QUERIES[query], *columns(chosen))
    wills = [(p.client_id, p.status, p.received_at) for p in batch.presences.values() if p.heartbeat is None]
    if wills:
        await conn.execute(QUERIES["note_wills"], *columns(wills))


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Return *rows*, at least one, as columns, which ``unnest`` takes."""
    return [list(column) for column in zip(*rows, strict=True)]
