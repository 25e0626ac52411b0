"""``POST /devices/{client_id}/commands``; what it does is in ``services``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from pulse_acl.payloads import format_time
from pulse_sync.settings import MAX_VALUE_BYTES, is_storable

from ...errors import RefusalError
from ..access.guards import SignedIn
from ..users.controllers import calling
from .services import CommandName, Commands, Order

LONGEST_LIFE_S = 86_400


class CommandBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An order to one device; ``expires_in_s``: after that it is void."""

    command: CommandName
    args: dict[str, Any] = {}
    expires_in_s: Annotated[int, Meta(ge=1, le=LONGEST_LIFE_S)] = 60


class CommandAnswer(Struct, frozen=True):
    """The command as it was published; its result comes over MQTT and stands in the audit log."""

    command_id: str
    topic: str
    expires_at: str


class CommandController(Controller):
    """Commands for callers without MQTT."""

    path = "/devices"
    tags = ("Devices",)

    @post("/{client_id:str}/commands", status_code=202)
    async def send_command(
        self,
        request: Request[SignedIn, Any, Any],
        client_id: FromPath[str],
        data: JSONBody[CommandBody],
        commands: NamedDependency[Commands],
    ) -> CommandAnswer:
        """Publish a command that the signed-in person's own topic rules allow."""
        if not is_storable(data.args):
            raise RefusalError(f"args is JSON of at most {MAX_VALUE_BYTES} bytes, with 64-bit integers.")
        order = Order(client_id, data.command, data.args, data.expires_in_s)
        sent = await commands.send(order, calling(request))
        return CommandAnswer(sent.command_id, sent.topic, format_time(sent.expires_at))
