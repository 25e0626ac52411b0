"""
Broker tokens for devices, in exchange for an assertion signed by the device's registered key.

Read next: ``assertions`` (what must be in one), ``pulse_acl.rules.device_rules`` (what the token opens).
"""

from __future__ import annotations

import contextlib
import math
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_acl.rules import device_rules

from ...clock import Clock
from ...db.models import Device
from ...errors import AssertionRefusedError, DeviceCoolingDownError, DeviceRevokedError
from ..broker_tokens.services import BrokerToken, BrokerTokens, TokenKind
from ..broker_tokens.used_assertions import spend
from .assertions import Assertion, check_assertion, claimed_client_id

LIFETIME_S = 60 * 60


class DeviceTokens:
    """The token service for devices; one for the application."""

    def __init__(self, tokens: BrokerTokens, clock: Clock) -> None:
        """Mint through *tokens*; judge times by *clock*."""
        self._tokens = tokens
        self._clock = clock

    async def claimed_name(self, session: AsyncSession, assertion: str) -> str:
        """Return the enrolled device that *assertion* claims to be from, unverified; empty when there is none."""
        with contextlib.suppress(AssertionRefusedError):
            device = await session.get(Device, claimed_client_id(assertion))
            return f"device:{device.client_id}" if device is not None else ""
        return ""

    async def issue(self, session: AsyncSession, assertion: str) -> BrokerToken:
        """
        Return a token for the device that signed *assertion*; it counts once the caller commits.

        Raises:
            AssertionRefusedError: It proves nothing, or was used before; ``ClockSkewError`` among them.
            DeviceRevokedError: The device was revoked.
            DeviceCoolingDownError: Tokens under its former keys still run.
        """
        # Locked, so that no token can be given out beside a change of keys or a revocation.
        device = await session.get(Device, claimed_client_id(assertion), with_for_update={"read": True})
        if device is None:
            raise AssertionRefusedError("The assertion is not signed by the key of an enrolled device.")
        now = self._clock()
        checked = check_assertion(assertion, device.signing_key, now)
        _check_standing(device, now)
        await _use_once(session, checked)
        return await self._tokens.issue(
            session,
            username=f"device:{device.client_id}",
            client_id=device.client_id,
            rules=device_rules(device.client_id),
            lifetime_s=LIFETIME_S,
            kind=TokenKind.DEVICE,
        )


def _check_standing(device: Device, now: datetime) -> None:
    if device.revoked_at is not None:
        raise DeviceRevokedError("This device was revoked; enroll it again with a code made for its id.")
    if device.banned_until is not None and device.banned_until > now:
        raise DeviceCoolingDownError(
            "The device's keys were replaced; tokens under the former ones still run.",
            retry_after_s=math.ceil((device.banned_until - now).total_seconds()),
            not_before=format_time(device.banned_until),
        )


async def _use_once(session: AsyncSession, checked: Assertion) -> None:
    if not await spend(session, issuer=checked.client_id, jti=checked.jti, expires_at=checked.forget_at):
        raise AssertionRefusedError("The assertion was used before; make a new one for each request.")
