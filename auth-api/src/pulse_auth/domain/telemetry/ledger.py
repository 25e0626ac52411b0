"""
Reads what the account of a device is made of: its ledger and its newest heartbeat.

Both come from one statement, so that the worker's commits between two reads cannot make numbers look
missing. Read next: ``integrity`` (what is made of them).
"""

from __future__ import annotations

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import ContractError, Heartbeat, decode
from pulse_acl.ranges import from_text
from pulse_acl.topics import is_device_id

from .integrity import LedgerRow

_LEDGER = text(
    """
    SELECT presence.heartbeat::text AS heartbeat, ledger.stream, ledger.produced, ledger.duplicate_count,
           ledger.settled::text AS settled, ledger.rejected::text AS rejected, ledger.lost::text AS lost,
           presence.heartbeat_at IS NOT NULL AND ledger.first_seen_at > presence.received_at AS is_newer
    FROM (SELECT CAST(:client_id AS text) AS client_id) AS asked
    LEFT JOIN device_presence AS presence USING (client_id)
    LEFT JOIN telemetry_ledger AS ledger USING (client_id)
    """
)
_KNOWN = text(
    """
    SELECT EXISTS (SELECT FROM devices WHERE client_id = :client_id)
        OR EXISTS (SELECT FROM telemetry_ledger WHERE client_id = :client_id)
    """
)
# What the account needs; the values beside it do not all survive the database's JSON (1e22 becomes digits).
_CLAIMS = ("stream", "last_sequence_no", "held", "held_older")
_log = structlog.get_logger(__name__)


async def device_is_known(session: AsyncSession, client_id: str) -> bool:
    """Tell whether *client_id* was ever enrolled or has sent anything."""
    return is_device_id(client_id) and bool((await session.execute(_KNOWN, {"client_id": client_id})).scalar())


async def read_ledger(session: AsyncSession, client_id: str) -> tuple[list[LedgerRow], Heartbeat | None]:
    """Return all streams of the device, and its newest heartbeat that carried figures, if there is one."""
    rows = (await session.execute(_LEDGER, {"client_id": client_id})).all()
    ledger = [
        LedgerRow(
            row.stream,
            from_text(row.settled),
            from_text(row.rejected),
            from_text(row.lost),
            row.produced,
            row.duplicate_count,
            row.is_newer,
        )
        for row in rows
        if row.stream is not None
    ]
    return ledger, read_heartbeat(client_id, rows[0].heartbeat)


def read_heartbeat(client_id: str, stored: str | None) -> Heartbeat | None:
    """Read a stored heartbeat (JSON text); ``None`` when there is none, or none that says anything."""
    if stored is None:
        return None
    try:
        said = msgspec.json.decode(stored, type=dict[str, msgspec.Raw])
        fields = {name: said[name] for name in _CLAIMS if name in said}
        return decode(Heartbeat, msgspec.json.encode({**fields, "client_id": client_id, "status": "OFFLINE"}))
    except (ContractError, msgspec.MsgspecError) as error:
        _log.warning("integrity.heartbeat_unreadable", client_id=client_id, error=str(error))
        return None
