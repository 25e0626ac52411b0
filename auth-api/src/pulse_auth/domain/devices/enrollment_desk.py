"""
Where devices come to enroll: counts attempts by address, registers, and tells the broker what follows.

Each step has a transaction of its own, so that a refused attempt stays counted. Read next: ``enrollment``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pulse_acl.payloads import format_time

from ...clock import Clock
from ...db.session import Sessions
from ...errors import CertificateMissingError, RefusalError, TooManyAttemptsError
from ...settings import Settings
from ..accounts.throttle import Policy, begin_attempt, forgive_attempt
from ..broker_admin.enforcement import BanEnforcement
from .certificate import CaCertificate
from .enrollment import Enrolled, Enrollment
from .sync_keys import SyncKeys

# The tenth failure within a minute locks the address for a minute.
ATTEMPTS = Policy("enrollment", free=9, slow=(), lock_s=60, most_s=60, forget_s=60)


@dataclass(frozen=True, slots=True)
class EnrollmentDesk:
    """The one way in for a new device; made once by the application."""

    sessions: Sessions
    enrollment: Enrollment
    bans: BanEnforcement
    certificate: CaCertificate
    sync_keys: SyncKeys
    settings: Settings
    clock: Clock

    async def admit(self, body: dict[str, Any], address: str) -> dict[str, Any]:
        """
        Enroll the device that sent *body* from *address* and return the answer for it.

        Raises:
            TooManyAttemptsError: The address is locked.
            RefusalError: See ``Enrollment.enroll``.
        """
        await self._count(address)
        try:
            async with self.sessions.begin() as session:
                enrolled = await self.enrollment.enroll(session, body, address)
        except CertificateMissingError:
            await self._forgive(address)
            raise
        except RefusalError:
            raise
        except Exception:
            await self._forgive(address)
            raise
        await self._forgive(address)
        await self._tell_broker(enrolled)
        return self._answer(enrolled)

    async def _count(self, address: str) -> None:
        async with self.sessions.begin() as session:
            wait_s = await begin_attempt(session, ATTEMPTS, address, self.clock())
        if wait_s:
            raise TooManyAttemptsError("Too many failed enrollments from this address.", retry_after_s=wait_s)

    async def _forgive(self, address: str) -> None:
        async with self.sessions.begin() as session:
            await forgive_attempt(session, ATTEMPTS, address)

    async def _tell_broker(self, enrolled: Enrolled) -> None:
        if enrolled.ban is not None:
            await self.bans.apply(banned=[enrolled.ban], kick=[enrolled.client_id])
        elif enrolled.replaced:
            await self.bans.apply(unbanned=[enrolled.client_id], kick=[enrolled.client_id])

    def _answer(self, enrolled: Enrolled) -> dict[str, Any]:
        return {
            "client_id": enrolled.client_id,
            "server_keys": self.sync_keys.public(),
            "broker": {"mqtts_url": self.settings.mqtts_url, "wss_url": self.settings.wss_url},
            "ca_pem": self.certificate.pem(),
            "server_time": format_time(self.clock()),
        }
