"""
Operator keys: the public half of a person's signing key on one desktop, by which changes made there are theirs.

Registered and ended by the person's own token. That a new password, a deactivation or a deletion ends them is
the write path's, in the same transaction; see ``domain.sync.writing``.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.topics import is_device_id

from ...db.models import Device, OperatorKey
from ...errors import DeviceRevokedError, UnknownDeviceError
from ..access.guards import SignedIn
from ..access.revocation import hold_rights
from ..audit.services import write_audit
from ..devices.device_keys import signing_jwk, thumbprint


async def register_operator_key(
    session: AsyncSession, person: SignedIn, client_id: str, *, offered: object, now: datetime
) -> OperatorKey:
    """
    Make *offered* the *person*'s one live key on the desktop *client_id*; a former one ends.

    Args:
        session: A session inside a transaction.
        person: Who is signed in.
        client_id: The desktop.
        offered: Public Ed25519 JWK as it came.
        now: The server's time.

    Raises:
        UnknownDeviceError: No such desktop is enrolled.
        DeviceRevokedError: It was revoked.
        NotSignedInError: The account or the session ended since the request was let in.
        KeyRefusedError: *offered* is another kind of key, a private one, or malformed.
    """
    public_key = signing_jwk(offered, "public_key")
    # The write path ends keys under this lock, so none is made beside a deactivation or a new password.
    user = await hold_rights(session, person)
    # Two registrations at once wait for each other.
    device = await session.get(Device, client_id, with_for_update=True) if is_device_id(client_id) else None
    if device is None:
        raise UnknownDeviceError(f"No device {client_id} is enrolled.")
    if device.revoked_at is not None:
        raise DeviceRevokedError(f"The device {client_id} was revoked.")
    await _end(session, user.id, client_id, now)
    key = OperatorKey(user_id=user.id, client_id=client_id, public_key=public_key, registered_at=now)
    session.add(key)
    await session.flush()
    detail = {"thumbprint": thumbprint(public_key)}
    await _audit(session, person.principal, "operator_key.registered", client_id, detail)
    return key


async def end_operator_key(session: AsyncSession, *, user_id: UUID, actor: str, client_id: str, now: datetime) -> None:
    """End the person's key on that desktop; without one nothing happens."""
    if is_device_id(client_id) and await _end(session, user_id, client_id, now):
        await _audit(session, actor, "operator_key.ended", client_id, None)


async def end_operator_keys_on(session: AsyncSession, client_id: str, now: datetime) -> None:
    """End everybody's key on a desktop that was revoked or got other keys itself."""
    live = update(OperatorKey).where(OperatorKey.client_id == client_id, OperatorKey.ended_at.is_(None))
    await session.execute(live.values(ended_at=now))


async def _end(session: AsyncSession, user_id: UUID, client_id: str, now: datetime) -> bool:
    live = update(OperatorKey).where(OperatorKey.user_id == user_id, OperatorKey.client_id == client_id)
    ended = await session.execute(
        live.where(OperatorKey.ended_at.is_(None)).values(ended_at=now).returning(OperatorKey.id)
    )
    return ended.first() is not None


async def _audit(session: AsyncSession, actor: str, action: str, client_id: str, detail: object) -> None:
    await write_audit(session, actor=actor, action=action, entity_type="device", entity_id=client_id, detail=detail)
