"""
The calls about devices. Decides nothing: reads requests, opens transactions, calls the services.

Read next: ``enrollment_desk``, ``device_tokens``, ``registry``; for the account, ``domain.telemetry.integrity``.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission

from ...clock import Clock
from ...db.session import Sessions
from ...errors import UnknownDeviceError
from ...http.origin import caller_address
from ..access.guards import SignedIn, requires
from ..broker_admin.enforcement import BanEnforcement
from ..broker_tokens.limits import counting_refusals
from ..broker_tokens.services import BrokerTokens
from ..telemetry.integrity import DeviceAccount, account
from ..telemetry.ledger import device_is_known, read_ledger
from .certificate import CaCertificate
from .device_tokens import DeviceTokens
from .enrollment import Enrollment
from .enrollment_desk import EnrollmentDesk
from .registry import MOST_ITEMS, DeviceRegistry
from .schemas import CodeAnswer, CodeRequest, DeviceItem, DevicePage, RevokedDevice, TokenRequest, device_item

MAX_BODY_BYTES = 32 * 1024
PersonRequest = Request[SignedIn, Any, Any]


class CertificateController(Controller):
    """The CA's certificate, for devices that compare it with the fingerprint in their code."""

    tags = ("Devices",)

    @get("/.well-known/pulse-ca.pem", opt={"public": True}, media_type="application/x-pem-file", sync_to_thread=False)
    def certificate(self, certificate: NamedDependency[CaCertificate]) -> Response[bytes]:
        """Return the certificate of the CA that signed the broker's."""
        return Response(certificate.pem().encode(), headers={"cache-control": "no-cache"})


class EnrollmentController(Controller):
    """How a device comes in, and gets its tokens."""

    path = "/devices"
    tags = ("Devices",)
    request_max_body_size = MAX_BODY_BYTES

    @post("/enrollment-codes", guards=[requires(Permission.MANAGE_DEVICES)])
    async def make_code(
        self,
        request: PersonRequest,
        data: JSONBody[CodeRequest],
        sessions: NamedDependency[Sessions],
        enrollment: NamedDependency[Enrollment],
    ) -> CodeAnswer:
        """Make a one-time code joined with the CA's fingerprint."""
        async with sessions.begin() as session:
            made = await enrollment.make_code(
                session, actor=request.user.principal, client_id=data.client_id, life_s=data.expires_in_s
            )
        return CodeAnswer(made.code, format_time(made.expires_at))

    @post("/enroll", opt={"public": True})
    async def enroll(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[dict[str, Any]],
        enrollment_desk: NamedDependency[EnrollmentDesk],
    ) -> dict[str, Any]:
        """Register a device's public keys in exchange for a code; the proof is signed by the new key."""
        return await enrollment_desk.admit(data, caller_address(request))

    @post("/token", opt={"public": True}, status_code=200)
    async def token(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[TokenRequest],
        *,
        sessions: NamedDependency[Sessions],
        device_tokens: NamedDependency[DeviceTokens],
        broker_tokens: NamedDependency[BrokerTokens],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Return a broker token for an assertion by the device's key."""
        async with sessions() as session:
            name = await device_tokens.claimed_name(session, data.assertion)
        async with (
            counting_refusals(sessions, clock, caller_address(request), name),
            sessions.begin() as session,
        ):
            token = await device_tokens.issue(session, data.assertion)
        return broker_tokens.answer(token)


class DeviceController(Controller):
    """The devices as people see them."""

    path = "/devices"
    tags = ("Devices",)

    @get("/", guards=[requires(Permission.VIEW_DASHBOARD)])
    async def devices(
        self,
        sessions: NamedDependency[Sessions],
        device_registry: NamedDependency[DeviceRegistry],
        cursor: Annotated[str, QueryParameter(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS)] = MOST_ITEMS,
    ) -> DevicePage:
        """Return the devices by id with their presence and last heartbeat."""
        async with sessions() as session:
            views, following = await device_registry.page(session, cursor, limit)
        return DevicePage([device_item(view) for view in views], following)

    @get("/{client_id:str}", guards=[requires(Permission.VIEW_DASHBOARD)])
    async def device(
        self,
        client_id: FromPath[str],
        sessions: NamedDependency[Sessions],
        device_registry: NamedDependency[DeviceRegistry],
    ) -> DeviceItem:
        """Return one device."""
        async with sessions() as session:
            return device_item(await device_registry.find(session, client_id))

    @delete("/{client_id:str}", guards=[requires(Permission.MANAGE_DEVICES)], status_code=200)
    async def revoke(
        self,
        request: PersonRequest,
        client_id: FromPath[str],
        sessions: NamedDependency[Sessions],
        device_registry: NamedDependency[DeviceRegistry],
        bans: NamedDependency[BanEnforcement],
    ) -> RevokedDevice:
        """
        Revoke a device: its connection ends, its tokens are refused, it gets no new ones.

        Answers whose password hashes it may hold, so that they can be given new passwords.
        """
        async with sessions.begin() as session:
            revoked = await device_registry.revoke(
                session, client_id, actor=request.user.principal, address=caller_address(request)
            )
        await bans.apply(banned=[revoked.ban], kick=[client_id])
        return RevokedDevice(client_id, revoked.people)

    @get("/{client_id:str}/integrity", guards=[requires(Permission.VIEW_DASHBOARD)])
    async def integrity(self, client_id: FromPath[str], sessions: NamedDependency[Sessions]) -> DeviceAccount:
        """Return what became of every number that the device has ever claimed."""
        async with sessions() as session:
            if not await device_is_known(session, client_id):
                raise UnknownDeviceError(f"No device {client_id} was ever heard of.")
            ledger, heartbeat = await read_ledger(session, client_id)
        return account(ledger, heartbeat)
