"""
Publishes a command to a device in the name of a person who has no MQTT connection.

Whether they may is decided by their own topic rules, as a broker would. The broker attests the API as the
sender, so the audit row with the ``command_id`` says who it was; it is committed before anything is published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from pulse_acl.decide import Denied, Principal, decide
from pulse_acl.payloads import Command, encode, format_time
from pulse_acl.rules import Action
from pulse_acl.topics import Topic, build, is_device_id

from ...clock import Clock
from ...db.models import Device
from ...db.session import Sessions
from ...errors import BrokerAwayError, DeviceRevokedError, PermissionMissingError, UnknownDeviceError
from ..access.changing import Caller
from ..access.people import load_rights
from ..audit.services import write_audit

Send = Callable[[Iterable[tuple[str, bytes]]], Awaitable[bool]]
CommandName = Literal["FORCE_SYNC", "UPDATE_CONFIG", "RELOAD"]
TOPICS: dict[CommandName, Topic] = {
    "FORCE_SYNC": Topic.COMMAND_FORCE_SYNC,
    "UPDATE_CONFIG": Topic.COMMAND_UPDATE_CONFIG,
    "RELOAD": Topic.COMMAND_RELOAD,
}


@dataclass(frozen=True, slots=True)
class Order:
    """What a device is to do, and for how many seconds the order is good."""

    client_id: str
    command: CommandName
    args: dict[str, Any]
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A command that the broker has."""

    command_id: str
    topic: str
    expires_at: datetime


class Commands:
    """Sends commands; one for the application."""

    def __init__(self, sessions: Sessions, send: Send, clock: Clock) -> None:
        """Publish through *send*, which tells whether the broker has it."""
        self._sessions = sessions
        self._send = send
        self._clock = clock

    async def send(self, order: Order, caller: Caller) -> Sent:
        """
        Publish *order*; what the device makes of it comes as its CommandResult.

        Raises:
            UnknownDeviceError: No such device is enrolled.
            DeviceRevokedError: It was revoked.
            PermissionMissingError: No rule of the caller allows that command to that device.
            BrokerAwayError: The broker does not have it; the same call later can succeed.
        """
        now = self._clock()
        topic = _topic(order)
        sent = Sent(str(uuid7()), topic, now + timedelta(seconds=order.expires_in_s))
        async with self._sessions.begin() as session:
            await _check(session, order.client_id, topic, caller)
            await _audit(session, "command.issued", order, sent, caller)
        if not await self._send([(topic, _payload(order, sent, caller, now))]):
            async with self._sessions.begin() as session:
                await _audit(session, "command.not_published", order, sent, caller)
            raise BrokerAwayError("The broker does not answer; the command was not sent.", retry_after_s=5)
        return sent


def _topic(order: Order) -> str:
    if not is_device_id(order.client_id):
        raise UnknownDeviceError(f"No device {order.client_id} is enrolled.")
    return build(TOPICS[order.command], client_id=order.client_id)


async def _check(session: AsyncSession, client_id: str, topic: str, caller: Caller) -> None:
    rules = (await load_rights(session, caller.person.user_id)).rules
    decision = decide(Principal(caller.person.principal, "", rules), Action.PUBLISH, topic)
    if isinstance(decision, Denied):
        raise PermissionMissingError(f"You may not send this: {decision.reason}.", topic=topic)
    device = await session.get(Device, client_id)
    if device is None:
        raise UnknownDeviceError(f"No device {client_id} is enrolled.")
    if device.revoked_at is not None:
        raise DeviceRevokedError(f"The device {client_id} was revoked.")


def _payload(order: Order, sent: Sent, caller: Caller, now: datetime) -> bytes:
    return encode(
        Command(
            command_id=sent.command_id,
            command=order.command,
            args=order.args,
            issued_by=caller.person.principal,
            issued_at=format_time(now),
            expires_at=format_time(sent.expires_at),
        )
    )


async def _audit(session: AsyncSession, action: str, order: Order, sent: Sent, caller: Caller) -> None:
    await write_audit(
        session,
        actor=caller.person.principal,
        action=action,
        entity_type="device",
        entity_id=order.client_id,
        detail={
            "command_id": sent.command_id,
            "command": order.command,
            "args": order.args,
            "expires_at": format_time(sent.expires_at),
        },
        address=caller.address,
    )
