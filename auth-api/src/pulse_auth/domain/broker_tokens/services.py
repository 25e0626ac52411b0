"""
Mints broker tokens. The one place that does: claims, signature, and the row that names the client id later.

A token opens one MQTT client id under one username, carries its whole topic access, and always ends.
Who gets which rules is decided by the callers (people: ``for_people``, services: ``for_services``, devices:
``domain.devices``).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from pulse_acl.emit.jwt_claim import to_claim
from pulse_acl.payloads import format_time
from pulse_acl.rules import Rule

from ...clock import Clock
from ...db.models import IssuedToken
from ...keys.signing import KeyRing, Purpose
from ...settings import Settings
from .limits import check_rate

AUDIENCE = "pulse-broker"


class TokenKind(StrEnum):
    """For whom a token is; decides the signing key."""

    USER = "user"
    DEVICE = "device"
    SERVICE = "service"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class BrokerToken:
    """What opens the broker: MQTT client id, user name and password; ``expires_at`` and ``issued_at`` in UTC."""

    jti: UUID
    client_id: str
    username: str
    password: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    acl: list[dict[str, Any]]


class BrokerTokens:
    """The minting service; one for the application."""

    def __init__(self, keys: KeyRing, settings: Settings, clock: Clock) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock

    async def issue(
        self,
        session: AsyncSession,
        *,
        username: str,
        client_id: str,
        rules: Sequence[Rule],
        lifetime_s: int,
        kind: TokenKind,
        user_id: UUID | None = None,
        session_id: UUID | None = None,
    ) -> BrokerToken:
        """
        Mint a token and record it; it counts once the caller's transaction is committed.

        Args:
            session: A session inside a transaction.
            username: ``user:<name>``, ``device:<client_id>``, ``service:<name>`` or ``integration:<name>``.
            client_id: The one MQTT client id that it opens.
            rules: Allow rules, in order; everything else is denied.
            lifetime_s: Seconds until it ends, more than 0.
            kind: For whom.
            user_id: The person, or who made the integration.
            session_id: The refresh family of the person's browser; the token ends with it.

        Raises:
            TooManyRequestsError: *username* got too many within the last minute.
        """
        if lifetime_s <= 0:
            raise ValueError("a token must live for a while, and end")
        await check_rate(session, username, self._clock())
        issued_at = self._clock().astimezone(UTC).replace(microsecond=0)
        expires_at = issued_at + timedelta(seconds=lifetime_s)
        jti, acl = uuid7(), to_claim(rules)
        key = self._keys.signer(Purpose.INTEGRATION if kind is TokenKind.INTEGRATION else Purpose.BROKER)
        session.add(
            IssuedToken(
                jti=jti,
                kind=kind.value,
                username=username,
                client_id=client_id,
                user_id=user_id,
                session_id=session_id,
                kid=key.kid,
                acl=acl,
                issued_at=issued_at,
                expires_at=expires_at,
            )
        )
        await session.flush()
        claims = self._claims(username, client_id, jti, issued_at, expires_at)
        return BrokerToken(jti, client_id, username, key.sign({**claims, "acl": acl}), issued_at, expires_at, acl)

    def _claims(
        self, username: str, client_id: str, jti: UUID, issued_at: datetime, expires_at: datetime
    ) -> dict[str, Any]:
        """Return all that a token says but for the rules."""
        return {
            "iss": self._settings.token_issuer,
            "aud": AUDIENCE,
            "sub": username,
            "jti": str(jti),
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "client_id": client_id,
            "username": username,
        }

    def answer(self, token: BrokerToken) -> dict[str, Any]:
        """Return the body that ``/broker/token``, ``/services/token`` and ``/devices/token`` answer with."""
        return {
            "client_id": token.client_id,
            "username": token.username,
            "password": token.password,
            "expires_at": format_time(token.expires_at),
            "server_time": format_time(self._clock()),
            "mqtts_url": self._settings.mqtts_url,
            "ws_url": self._settings.ws_url,
            "acl": token.acl,
        }


def fresh_client_id(prefix: str) -> str:
    """Return a client id of 128 random bits behind *prefix* (``web`` or ``int``), never used before."""
    return f"{prefix}:{secrets.token_hex(16)}"
