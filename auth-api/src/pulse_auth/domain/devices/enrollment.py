"""
Enrolling devices: making one-time codes, and exchanging one for the registration of a device's keys.

All within the caller's transaction, so a code is used up exactly when the device is registered. Telling the
broker about bans comes after its commit and is the caller's. Read next: ``enrollment_codes``, ``device_keys``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_acl.topics import is_device_id

from ...clock import Clock
from ...db.models import Device, EnrollmentCode, IssuedToken
from ...errors import CodeRefusedError, DeviceExistsError, RefusalError
from ..accounts.operator_keys import end_operator_keys_on
from ..audit.services import write_audit
from ..broker_admin.client import BrokerBan
from ..broker_admin.enforcement import drop_ban, store_ban
from ..broker_tokens.services import TokenKind
from .certificate import CaCertificate
from .device_keys import check_proof, encryption_jwk, signing_jwk
from .enrollment_codes import PresentedCode, make_code, read_code

SHORTEST_CODE_LIFE_S, CODE_LIFE_S = 10, 900
# Words that stand in the same place of an address as a device's id.
RESERVED_IDS = frozenset({"latest", "enroll", "token", "enrollment-codes", ".", ".."})
_USE = text(
    """
    UPDATE enrollment_codes SET used_at = :now, used_by = :client_id
    WHERE code_hash = :code_hash AND used_at IS NULL AND expires_at > :now
    RETURNING client_id, created_by
    """
)
_FORGET = text("DELETE FROM enrollment_codes WHERE expires_at < :before")
_FIELDS = ("code", "client_id", "signing_key", "encryption_key", "proof")


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A new code, shown once; good until ``expires_at``."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What enrolling changed; ``ban`` holds the id off until tokens under former keys have run out."""

    client_id: str
    replaced: bool
    ban: BrokerBan | None


@dataclass(frozen=True, slots=True)
class _Request:
    client_id: str
    code: PresentedCode
    signing_key: dict[str, str]
    encryption_key: dict[str, str]


class Enrollment:
    """The enrolling service; one for the application."""

    def __init__(self, certificate: CaCertificate, clock: Clock, random_bytes: Callable[[int], bytes]) -> None:
        """Join codes with *certificate*'s fingerprint; *random_bytes* is ``secrets.token_bytes``."""
        self._certificate = certificate
        self._clock = clock
        self._random_bytes = random_bytes

    async def make_code(
        self, session: AsyncSession, *, actor: str, client_id: str | None, life_s: int = CODE_LIFE_S
    ) -> MadeCode:
        """
        Make a code for any new device, or for *client_id* only (which then may be enrolled already).

        Raises:
            RefusalError: *client_id* cannot be a device's, or *life_s* is out of bounds.
            CertificateMissingError: There is no CA yet.
        """
        if client_id is not None:
            check_new_id(client_id)
        if not SHORTEST_CODE_LIFE_S <= life_s <= CODE_LIFE_S:
            raise RefusalError(f"expires_in_s must be {SHORTEST_CODE_LIFE_S} to {CODE_LIFE_S}.")
        code, code_hash = make_code(self._certificate.fingerprint(), self._random_bytes)
        now = self._clock()
        expires_at = now + timedelta(seconds=life_s)
        await session.execute(_FORGET, {"before": now - timedelta(days=1)})
        session.add(
            EnrollmentCode(
                code_hash=code_hash, client_id=client_id, created_by=actor, created_at=now, expires_at=expires_at
            )
        )
        await write_audit(
            session,
            actor=actor,
            action="enrollment_code.made",
            entity_type="device",
            entity_id=client_id or "",
            after={"client_id": client_id, "expires_at": format_time(expires_at)},
        )
        return MadeCode(code, expires_at)

    async def enroll(self, session: AsyncSession, body: dict[str, Any], address: str | None) -> Enrolled:
        """
        Register a device's keys in exchange for a code.

        Args:
            session: A session inside a transaction; commit makes the code used and the keys good.
            body: The request's JSON as it came.
            address: The caller's, for the audit log.

        Raises:
            RefusalError: One of its kinds for each of: malformed, proof, key, code, device enrolled already.
        """
        asked = self._read(body)
        now = self._clock()
        values = {"code_hash": asked.code.secret_hash, "client_id": asked.client_id, "now": now}
        code = (await session.execute(_USE, values)).one_or_none()
        if code is None or code.client_id not in {None, asked.client_id}:
            raise CodeRefusedError("The enrollment code is not good for this device (any more).")
        device = await session.get(Device, asked.client_id, with_for_update=True)
        if device is not None and code.client_id is None:
            raise DeviceExistsError(f"{asked.client_id} is enrolled; replacing its keys needs a code made for that id.")
        ban = await self._register(session, asked, device, enrolled_by=code.created_by)
        await write_audit(
            session,
            actor=f"device:{asked.client_id}",
            action="device.enrolled",
            entity_type="device",
            entity_id=asked.client_id,
            detail={"code_made_by": code.created_by, "keys_replaced": device is not None},
            address=address,
        )
        return Enrolled(asked.client_id, device is not None, ban)

    def _read(self, body: dict[str, Any]) -> _Request:
        missing = [name for name in _FIELDS if name not in body]
        if missing:
            raise RefusalError(f"The enrollment lacks {', '.join(missing)}.")
        client_id, code, proof = body["client_id"], body["code"], body["proof"]
        if not isinstance(client_id, str) or not isinstance(code, str) or not isinstance(proof, str):
            raise RefusalError("client_id, code and proof are texts.")
        check_new_id(client_id)
        signing = signing_jwk(body["signing_key"])
        check_proof(proof, signing, {name: value for name, value in body.items() if name != "proof"})
        presented = read_code(code)
        if presented is None or not presented.is_for(self._certificate.fingerprint()):
            raise CodeRefusedError("The enrollment code is not one of this server.")
        return _Request(client_id, presented, signing, encryption_jwk(body["encryption_key"]))

    async def _register(
        self, session: AsyncSession, asked: _Request, device: Device | None, *, enrolled_by: str
    ) -> BrokerBan | None:
        until = await _last_token_ends(session, asked.client_id, self._clock()) if device is not None else None
        if device is None:
            device = Device(client_id=asked.client_id)
            session.add(device)
        device.signing_key, device.encryption_key = dict(asked.signing_key), dict(asked.encryption_key)
        device.enrolled_at, device.enrolled_by = self._clock(), enrolled_by
        device.revoked_at = device.revoked_by = None
        await end_operator_keys_on(session, asked.client_id, self._clock())
        device.banned_until = until
        await session.flush()
        if until is None:
            await drop_ban(session, "clientid", asked.client_id)
            return None
        ban = BrokerBan("clientid", asked.client_id, "keys replaced", enrolled_by, until)
        await store_ban(session, ban)
        return ban


def check_new_id(client_id: str) -> None:
    """
    Raise unless *client_id* may be given to a device.

    Raises:
        RefusalError: Malformed, or a word that the API uses in that place.
    """
    if not is_device_id(client_id) or client_id in RESERVED_IDS:
        raise RefusalError("client_id must be 1 to 64 of A-Z a-z 0-9 . _ - and no reserved word.")


async def _last_token_ends(session: AsyncSession, client_id: str, now: datetime) -> datetime | None:
    """Return when the last running token of the device ends, ``None`` when none runs."""
    token = IssuedToken
    running = (token.client_id == client_id, token.kind == TokenKind.DEVICE.value, token.expires_at > now)
    return await session.scalar(select(func.max(token.expires_at)).where(*running))
