"""``/config``: settings of all devices and of one (``?device=``). Needs ``EDIT_CONFIG``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from pulse_acl.rules import Permission

from ...db.session import Sessions, reading
from ...errors import UnknownRecordError
from ...http.preconditions import HEADER, etag
from ..access.guards import SignedIn, requires
from ..users.controllers import calling
from .services import EVERY_DEVICE, MOST_ITEMS, Config, SettingItem, newest_version, read_setting, read_settings

PersonRequest = Request[SignedIn, Any, Any]
_Device = Annotated[str, QueryParameter(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]
_DeviceOrEvery = Annotated[
    str,
    QueryParameter(
        pattern=rf"^(\{EVERY_DEVICE}|[A-Za-z0-9._-]{{0,64}})\Z",
        description="A device's id; empty: the settings of all devices; `*`: what each device has of its own.",
    ),
]
_Cursor = Annotated[str | None, QueryParameter(pattern=r"^[^\x00]{0,165}\Z")]
MAX_KEY_CHARS = 100


class SettingValue(Struct, frozen=True, forbid_unknown_fields=True):
    """The value of a setting; any JSON, for keys that devices know within their bounds."""

    value: Any


class SettingPage(Struct, frozen=True):
    """
    A page of settings by key; ``next``: the cursor of the next page.

    ``version``: of the newest change; a device whose ``config_version`` is this or later has applied all.
    """

    items: list[SettingItem]
    next: str | None
    version: int


class ConfigController(Controller):
    """The settings."""

    path = "/config"
    tags = ("Admin",)
    guards = (requires(Permission.EDIT_CONFIG),)

    @get("/")
    async def settings_page(
        self,
        *,
        sessions: NamedDependency[Sessions],
        device: _DeviceOrEvery = "",
        cursor: _Cursor = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS)] = MOST_ITEMS,
    ) -> SettingPage:
        """Return the settings of all devices, those of one alone, or what each device has of its own."""
        async with reading(sessions) as session:
            version = await newest_version(session, device)
            items, following = await read_settings(session, device, cursor, limit)
        return SettingPage(items, following, version)

    @get("/{key:path}")
    async def setting(
        self, key: FromPath[str], sessions: NamedDependency[Sessions], device: _Device = ""
    ) -> Response[SettingItem]:
        """Return one setting."""
        async with sessions() as session:
            return _tagged(await read_setting(session, _plain(key), device))

    @put("/{key:path}", opt={"if_match": "heeded"})
    async def set_setting(
        self,
        request: PersonRequest,
        key: FromPath[str],
        data: JSONBody[SettingValue],
        *,
        config_service: NamedDependency[Config],
        device: _Device = "",
    ) -> Response[SettingItem]:
        """Set a setting of all devices, or of one; ``If-Match`` is heeded when it is sent."""
        seen = request.headers.get(HEADER)
        return _tagged(await config_service.put(_plain(key), device, data.value, seen, calling(request)))

    @delete("/{key:path}", opt={"if_match": "heeded"})
    async def delete_setting(
        self,
        request: PersonRequest,
        key: FromPath[str],
        *,
        config_service: NamedDependency[Config],
        device: _Device = "",
    ) -> None:
        """Take a setting back; ``If-Match`` is heeded when it is sent."""
        await config_service.delete(_plain(key), device, request.headers.get(HEADER), calling(request))


def _plain(key: str) -> str:
    """Return the key in a path; one that no setting has is unknown before the database is asked."""
    key = key.removeprefix("/")
    if not 1 <= len(key) <= MAX_KEY_CHARS or "\0" in key:
        raise UnknownRecordError(f"A setting's key has 1 to {MAX_KEY_CHARS} characters.")
    return key


def _tagged(item: SettingItem) -> Response[SettingItem]:
    return Response(item, headers={"ETag": etag(item)})
