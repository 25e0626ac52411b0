"""
Writes the audit log; every administrative action and every sign-in has a row in the transaction it belongs to.

Never a secret: password hashes are written as "changed". Rows are only ever added.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import audit_log


async def write_audit(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    entity_type: str = "",
    entity_id: str = "",
    before: Any = None,
    after: Any = None,
    detail: Any = None,
    address: str | None = None,
) -> None:
    """
    Add one row, committed with the caller's transaction.

    Args:
        session: A session inside a transaction.
        actor: A username as tokens carry it (``user:ann``), ``anonymous`` or ``system``.
        action: ``noun.verb_past``, for example ``device.enrolled``.
        entity_type: What kind of record it was done to; *entity_id*: which one.
        entity_id: See *entity_type*.
        before: JSON of the state before, where there is one.
        after: JSON of the state after.
        detail: JSON of whatever else explains the row.
        address: Network address of the caller.
    """
    row = {"actor": actor, "action": action, "entity_type": entity_type, "entity_id": entity_id, "address": address}
    # Without a value the column stays NULL; None inside a JSON column would be JSON's null.
    documents = {"before": before, "after": after, "detail": detail}
    await session.execute(insert(audit_log).values(row | {k: v for k, v in documents.items() if v is not None}))
